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

    [LoggerMessage(4004, LogLevel.Information, "Raid {RaidId} of {SourceStreamId} is {State}: {Reason}")]
    public static partial void RaidNotMade(ILogger logger, string raidId, string sourceStreamId, Raid.RaidState state, string reason);

    [LoggerMessage(4005, LogLevel.Debug, "Stream {StreamId} was drawn but is not live any more; the next one is drawn")]
    public static partial void DrawnTargetGone(ILogger logger, string streamId);

    [LoggerMessage(4006, LogLevel.Information, "Raid {RaidId} of {SourceStreamId} to {TargetStreamId} is announced")]
    public static partial void RaidAnnounced(ILogger logger, string raidId, string sourceStreamId, string targetStreamId);

    [LoggerMessage(4007, LogLevel.Warning, "Raid {RaidId} cannot go on now ({Reason}); it is tried again")]
    public static partial void RaidPostponed(ILogger logger, string raidId, string reason);

    [LoggerMessage(4008, LogLevel.Warning, "The list of raids cannot be read now ({Reason})")]
    public static partial void RaidsUnreadable(ILogger logger, string reason);

    [LoggerMessage(4009, LogLevel.Warning, "Raid {RaidId}: viewers have no places in {TargetStreamId} yet ({Reason}); they join it when they move")]
    public static partial void NotPlaced(ILogger logger, string raidId, string targetStreamId, string reason);

    [LoggerMessage(4010, LogLevel.Information, "The squad of {StreamId} is not known ({Reason}); its next change tells")]
    public static partial void SquadUnknown(ILogger logger, string streamId, string reason);
}
