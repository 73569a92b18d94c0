namespace Beacon.Raids;

/// <summary>Log messages of Raids: 4000 to 4999.</summary>
internal static partial class Log
{
    [LoggerMessage(4001, LogLevel.Information, "The directory was rebuilt from Topology: {Live} live streams, {Forgotten} forgotten")]
    public static partial void DirectoryRebuilt(ILogger logger, int live, int forgotten);

    [LoggerMessage(4002, LogLevel.Information, "The directory cannot be rebuilt yet ({Reason}); it is tried again")]
    public static partial void RebuildPostponed(ILogger logger, string reason);

    [LoggerMessage(4003, LogLevel.Information, "Raid {RaidId}: {Viewers} viewers of {SourceStreamId} go to {TargetStreamId}")]
    public static partial void RaidLaunched(ILogger logger, string raidId, int viewers, string sourceStreamId, string targetStreamId);

    [LoggerMessage(4004, LogLevel.Information, "Stream {SourceStreamId} ends without a raid: {State}")]
    public static partial void EndedWithoutRaid(ILogger logger, string sourceStreamId, Raid.RaidState state);

    [LoggerMessage(4005, LogLevel.Debug, "Stream {StreamId} was drawn but is not live any more; the next one is drawn")]
    public static partial void DrawnTargetGone(ILogger logger, string streamId);
}
