
namespace Beacon.Ledger;

/// <summary>Log messages of the ledger: 3000 to 3999.</summary>
internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Information, "The ledger writes to {Path}")]
    public static partial void WriterStarted(ILogger logger, string path);

    [LoggerMessage(3002, LogLevel.Error, "A commit of {Requests} requests failed; the state is loaded again from the file")]
    public static partial void CommitFailed(ILogger logger, int requests, Exception exception);

    [LoggerMessage(3008, LogLevel.Warning, "This instance stands by, and refused {Requests} requests: {Reason}")]
    public static partial void StandingBy(ILogger logger, int requests, string reason);

    [LoggerMessage(3009, LogLevel.Information, "The start waits: {Reason}")]
    public static partial void WaitingForTurn(ILogger logger, string reason);

    [LoggerMessage(3010, LogLevel.Information, "The other instance is gone; this one writes now")]
    public static partial void TookOver(ILogger logger);

    [LoggerMessage(3011, LogLevel.Critical, "Another instance writes now; this one ends")]
    public static partial void TurnLost(ILogger logger);

    [LoggerMessage(3003, LogLevel.Warning, "Publishing from the outbox failed; it is tried again with the next commit or in {Seconds} s")]
    public static partial void OutboxFailed(ILogger logger, int seconds, Exception exception);

    [LoggerMessage(3004, LogLevel.Critical, "The sum over all balances is {Sum} micro-credits instead of zero")]
    public static partial void SumNotZero(ILogger logger, long sum);

    [LoggerMessage(3005, LogLevel.Warning, "The sum over all balances could not be checked")]
    public static partial void SumCheckFailed(ILogger logger, Exception exception);

    [LoggerMessage(3006, LogLevel.Warning, "Window {Window} of stream {StreamId} was not settled: {Outcome}")]
    public static partial void WindowNotSettled(ILogger logger, string streamId, long window, string outcome);

    [LoggerMessage(3007, LogLevel.Warning, "A {Message} of stream {StreamId} was dropped: {Reason}")]
    public static partial void MessageDropped(ILogger logger, string message, string streamId, string reason);

    [LoggerMessage(3020, LogLevel.Critical, "The journal does not prove itself: {Problem}")]
    public static partial void ProofFailed(ILogger logger, string problem);

    [LoggerMessage(3021, LogLevel.Warning, "The proof of the journal was interrupted and begins anew")]
    public static partial void ProofInterrupted(ILogger logger, Exception exception);

    [LoggerMessage(3022, LogLevel.Information, "A backup was made: {Path}, {Bytes} bytes, {Transfers} transfers")]
    public static partial void BackupMade(ILogger logger, string path, long bytes, long transfers);

    [LoggerMessage(3023, LogLevel.Error, "A backup failed; the next is tried on schedule")]
    public static partial void BackupFailed(ILogger logger, Exception exception);

    [LoggerMessage(3030, LogLevel.Information, "{Ended} campaigns are over; what was left went back")]
    public static partial void CampaignsEnded(ILogger logger, int ended);

    [LoggerMessage(3031, LogLevel.Warning, "The deadlines could not be checked; they are in {Seconds} s")]
    public static partial void DeadlinesFailed(ILogger logger, int seconds, Exception exception);
}
