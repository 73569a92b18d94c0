namespace Beacon.Signaling;

/// <summary>Log messages of Signaling: 1000 to 1999.</summary>
internal static partial class Log
{
    [LoggerMessage(1001, LogLevel.Information, "Edge {EdgeId} is ready")]
    public static partial void EdgeReady(ILogger logger, string edgeId);

    [LoggerMessage(1002, LogLevel.Debug, "Session {SessionId} of {AccountId} opened")]
    public static partial void SessionOpened(ILogger logger, string sessionId, string accountId);

    [LoggerMessage(1003, LogLevel.Debug, "Session {SessionId} closed: {Reason}")]
    public static partial void SessionClosed(ILogger logger, string sessionId, string reason);

    [LoggerMessage(1004, LogLevel.Warning, "Peer {PeerId} left stream {StreamId}, but Topology could not be told; it will notice the silence")]
    public static partial void LeaveNotDelivered(ILogger logger, string peerId, string streamId, Exception exception);

    [LoggerMessage(1005, LogLevel.Warning, "{Count} reports could not be delivered to Topology; their counters go with the next ones")]
    public static partial void ReportsNotDelivered(ILogger logger, int count, Exception exception);

    [LoggerMessage(1006, LogLevel.Warning, "Peer {PeerId} of stream {StreamId} is unknown to Topology and could not join again")]
    public static partial void RejoinFailed(ILogger logger, string peerId, string streamId, Exception exception);

    [LoggerMessage(1007, LogLevel.Information, "Peer {PeerId} of stream {StreamId} was unknown to Topology and joined again")]
    public static partial void Rejoined(ILogger logger, string peerId, string streamId);

    [LoggerMessage(1008, LogLevel.Information, "The web pages were not built (Node 20 was not there): / shows a note instead")]
    public static partial void NoPages(ILogger logger);

    [LoggerMessage(1009, LogLevel.Error, "Frame {Frame} of session {SessionId} failed")]
    public static partial void FrameFailed(ILogger logger, string frame, string sessionId, Exception exception);

    [LoggerMessage(1010, LogLevel.Warning, "Account {AccountId} could not be opened in the Ledger; it opens at its first use")]
    public static partial void AccountNotOpened(ILogger logger, string accountId, Exception exception);

    [LoggerMessage(1011, LogLevel.Warning, "A refresh token of {AccountId} came a second time: its sign-in is taken back")]
    public static partial void RefreshTokenReused(ILogger logger, string accountId);

    [LoggerMessage(1012, LogLevel.Warning, "The list of revoked tokens could not be read; it is tried again")]
    public static partial void RevocationsNotRead(ILogger logger, Exception exception);

    [LoggerMessage(1013, LogLevel.Information, "Edge {EdgeId} is drained: its {Sessions} sessions go within {Duration}")]
    public static partial void DrainStarted(ILogger logger, string edgeId, int sessions, TimeSpan duration);

    [LoggerMessage(1014, LogLevel.Information, "Edge {EdgeId} is not drained any more; {Sessions} sessions stayed")]
    public static partial void DrainStopped(ILogger logger, string edgeId, int sessions);

    [LoggerMessage(1015, LogLevel.Information, "The Topology at {Address} cannot be reached ({Status}); its streams are asked for elsewhere for a while")]
    public static partial void OwnerAway(ILogger logger, string address, Grpc.Core.StatusCode status);

    [LoggerMessage(1016, LogLevel.Warning, "{Count} signals could not be sent to edge {EdgeId}; their senders were told")]
    public static partial void SignalsNotSent(ILogger logger, int count, string edgeId, Exception exception);
}
