namespace Beacon.Topology;

/// <summary>Log messages of Topology: 2000 to 2999.</summary>
internal static partial class Log
{
    [LoggerMessage(2001, LogLevel.Information, "Stream {StreamId} of channel {Channel} started")]
    public static partial void StreamStarted(ILogger logger, string streamId, string channel);

    [LoggerMessage(2002, LogLevel.Information, "Stream {StreamId} ended: {Reason}")]
    public static partial void StreamEnded(ILogger logger, string streamId, string reason);

    [LoggerMessage(2003, LogLevel.Information, "Stream {StreamId} rebuilt from Redis with {Peers} peers, epoch {Epoch}")]
    public static partial void StreamRebuilt(ILogger logger, string streamId, int peers, long epoch);

    [LoggerMessage(2004, LogLevel.Warning, "Stream {StreamId} has a newer owner; this one (epoch {Epoch}) gives up its state")]
    public static partial void StaleOwner(ILogger logger, string streamId, long epoch);

    [LoggerMessage(2005, LogLevel.Error, "Stream {StreamId} could not be committed for a reason that is not the journal's; its state is dropped and will be rebuilt from Redis")]
    public static partial void CommitFailed(ILogger logger, string streamId, Exception exception);

    [LoggerMessage(2006, LogLevel.Warning, "Nothing could be sent to edge {EdgeId}; its peers will be told again")]
    public static partial void SendFailed(ILogger logger, string edgeId, Exception exception);

    [LoggerMessage(2007, LogLevel.Warning, "A fact of stream {StreamId} could not be published; it will be tried again")]
    public static partial void PublishFailed(ILogger logger, string streamId, Exception exception);

    [LoggerMessage(2008, LogLevel.Information, "Broadcaster of stream {StreamId} is lost; the stream waits {GraceSeconds} s")]
    public static partial void BroadcasterLost(ILogger logger, string streamId, int graceSeconds);

    [LoggerMessage(2009, LogLevel.Warning, "The list of live streams could not be gone through")]
    public static partial void SweepFailed(ILogger logger, Exception exception);

    [LoggerMessage(2010, LogLevel.Error, "A tick of stream {StreamId} failed")]
    public static partial void TickFailed(ILogger logger, string streamId, Exception exception);

    [LoggerMessage(2011, LogLevel.Warning, "The record of stream {StreamId} cannot be written; {Peers} peers are looked after from memory, and new ones are admitted for {Seconds} s")]
    public static partial void JournalAway(ILogger logger, string streamId, int peers, int seconds);

    [LoggerMessage(2012, LogLevel.Information, "Stream {StreamId} with {Peers} peers is written whole again after {Seconds} s")]
    public static partial void JournalBack(ILogger logger, string streamId, int peers, long seconds);

    [LoggerMessage(2013, LogLevel.Warning, "The record of stream {StreamId} was away for longer than a record lives; the owner gives up its state")]
    public static partial void JournalAwayTooLong(ILogger logger, string streamId);

    [LoggerMessage(2014, LogLevel.Debug, "The journal of stream {StreamId} did not answer")]
    public static partial void JournalFailed(ILogger logger, string streamId, Exception exception);
}
