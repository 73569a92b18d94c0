using System.ComponentModel.DataAnnotations;
using Beacon.Raids.Raid;

namespace Beacon.Raids;

/// <summary>The directory of live streams and the raids (<c>Beacon:Raids</c>).</summary>
public sealed class RaidsOptions
{
    public const string Section = "Beacon:Raids";

    /// <summary>How a target is drawn when the broadcaster names none: <c>SmallFirst</c> or <c>Uniform</c>. Default <c>SmallFirst</c>, so that small channels are found.</summary>
    [EnumDataType(typeof(TargetWeighting))]
    public TargetWeighting Weighting { get; set; } = TargetWeighting.SmallFirst;

    /// <summary>How many live streams take part in one draw, 1 to 10,000, default 512. With more streams than that, a uniform sample of this size does, so that the price of a draw is bounded.</summary>
    [Range(1, 10_000)]
    public int CandidatePoolSize { get; set; } = 512;

    /// <summary>How many drawn targets are checked with Topology before the raid takes the best it has, 1 to 20, default 5. The directory lags behind the trees by up to a window.</summary>
    [Range(1, 20)]
    public int MaxTargetChecks { get; set; } = 5;

    /// <summary>How long the end of a stream is remembered, in seconds, 60 to 86,400, default 3,600. Facts about it that arrive later within that time do not bring it back.</summary>
    [Range(60, 86_400)]
    public int EndedMemorySeconds { get; set; } = 3_600;

    /// <summary>How long a raid is remembered, in seconds, 60 to 86,400, default 3,600. A repeated request to end the same stream within that time gets the same raid.</summary>
    [Range(60, 86_400)]
    public int RaidMemorySeconds { get; set; } = 3_600;

    /// <summary>How long a channel's last target is remembered, in hours, 1 to 8,760, default 720 (30 days). It is not drawn twice in a row.</summary>
    [Range(1, 8_760)]
    public int LastTargetHours { get; set; } = 720;

    /// <summary>How long ending a stream may take with all its calls, in seconds, 1 to 30, default 10. It goes on when the caller hangs up, so it needs a bound of its own.</summary>
    [Range(1, 30)]
    public int EndTimeoutSeconds { get; set; } = 10;

    /// <summary>Pause between attempts to rebuild the directory at start, in milliseconds, 100 to 60,000, default 1,000: services start in any order.</summary>
    [Range(100, 60_000)]
    public int RebuildRetryMs { get; set; } = 1_000;
}
