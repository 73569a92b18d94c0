using System.ComponentModel.DataAnnotations;
using Beacon.Raids.Raid;

namespace Beacon.Raids;

/// <summary>The directory of live streams and the raids (<c>Beacon:Raids</c>).</summary>
public sealed class RaidsOptions
{
    public const string Section = "Beacon:Raids";

    /// <summary>The longest countdown in seconds, whoever asks for it.</summary>
    public const int MaxCountdownSeconds = 300;

    /// <summary>How a target is drawn when the broadcaster names none: <c>SmallFirst</c> or <c>Uniform</c>. Default <c>SmallFirst</c>, so that small channels are found.</summary>
    [EnumDataType(typeof(TargetWeighting))]
    public TargetWeighting Weighting { get; set; } = TargetWeighting.SmallFirst;

    /// <summary>What a tag in common multiplies the weight of a target by, 1 to 100, default 2; 1 = tags do not matter. Only for <c>SmallFirst</c>.</summary>
    [Range(1.0, 100.0)]
    public double TagWeightFactor { get; set; } = 2;

    /// <summary>What the source's language multiplies the weight of a target by, 1 to 100, default 4; 1 = it does not matter. Only for <c>SmallFirst</c>.</summary>
    [Range(1.0, 100.0)]
    public double LanguageWeightFactor { get; set; } = 4;

    /// <summary>How many live streams take part in one draw, 1 to 10,000, default 512. With more streams than that, a uniform sample of this size does, so that the price of a draw is bounded.</summary>
    [Range(1, 10_000)]
    public int CandidatePoolSize { get; set; } = 512;

    /// <summary>How many drawn targets are checked with Topology before the raid takes the best it has, 1 to 20, default 5. The directory lags behind the trees by up to a window.</summary>
    [Range(1, 20)]
    public int MaxTargetChecks { get; set; } = 5;

    /// <summary>Seconds between the announcement of a raid and the move when the request names none, 0 to 300, default 90: time to say goodbye, and to cancel.</summary>
    [Range(0, MaxCountdownSeconds)]
    public int CountdownSeconds { get; set; } = 90;

    /// <summary>The same for a stream that is ended, 0 to 300, default 0: who ends a stream has said goodbye.</summary>
    [Range(0, MaxCountdownSeconds)]
    public int EndCountdownSeconds { get; set; }

    /// <summary>Raids that a channel may start within <see cref="RaidWindowSeconds"/>, 1 to 1,000, default 10.</summary>
    [Range(1, 1_000)]
    public int RaidsPerWindow { get; set; } = 10;

    /// <summary>The time within which raids of a channel are counted, in seconds, 10 to 86,400, default 600.</summary>
    [Range(10, 86_400)]
    public int RaidWindowSeconds { get; set; } = 600;

    /// <summary>How long a channel may not raid the same channel again, in seconds, 0 to 86,400, default 600; 0 = at once.</summary>
    [Range(0, 86_400)]
    public int PairCoolDownSeconds { get; set; } = 600;

    /// <summary>The most targets that one audience is split over, 1 to 16, default 4.</summary>
    [Range(1, 16)]
    public int MaxTargetsPerRaid { get; set; } = 4;

    /// <summary>The join budget of a target: viewers per second that all raids together send there, 10 to 100,000, default 2,500. Ten batches a second.</summary>
    [Range(10, 100_000)]
    public int JoinsPerSecond { get; set; } = 2_500;

    /// <summary>How long before the end of a countdown the audience has places in the target and joins it unseen, in seconds, 0 to 30, default 5; 0 = it joins when it moves. A larger audience begins earlier, as <see cref="JoinsPerSecond"/> asks; who has a place receives both streams.</summary>
    [Range(0, 30)]
    public int PlaceAheadSeconds { get; set; } = 5;

    /// <summary>Slots that a newcomer is reckoned to bring at most, 0 to 8, default 2: what Topology's slow start grants.</summary>
    [Range(0, 8)]
    public int NewcomerSlots { get; set; } = 2;

    /// <summary>The share of a newcomer's uplink that is planned with, 0.1 to 1, default 0.8: as in Topology.</summary>
    [Range(0.1, 1.0)]
    public double UplinkShare { get; set; } = 0.8;

    /// <summary>How many viewers of a source are planned one by one, 100 to 1,000,000, default 100,000. Those beyond go to the main target at the end.</summary>
    [Range(100, 1_000_000)]
    public int MaxPlannedViewers { get; set; } = 100_000;

    /// <summary>How often the target is looked at during a countdown, in seconds, 1 to 60, default 5. When it is gone, the audience hears of another one.</summary>
    [Range(1, 60)]
    public int TargetCheckSeconds { get; set; } = 5;

    /// <summary>How long before the end of a lost broadcaster's time of grace its audience is sent on, in seconds, 1 to 30, default 3. After the end nobody could be told.</summary>
    [Range(1, 30)]
    public int LostLeadSeconds { get; set; } = 3;

    /// <summary>How long a process that carries on a raid may be silent before another takes it up, in seconds, 2 to 60, default 5.</summary>
    [Range(2, 60)]
    public int LeaseSeconds { get; set; } = 5;

    /// <summary>How long after its countdown a raid that cannot be carried out is tried again, in seconds, 30 to 3,600, default 600.</summary>
    [Range(30, 3_600)]
    public int GiveUpSeconds { get; set; } = 600;

    /// <summary>How often each replica looks for raids that are due, in milliseconds, 50 to 60,000, default 500. Its own it knows by itself.</summary>
    [Range(50, 60_000)]
    public int PollMs { get; set; } = 500;

    /// <summary>How many raids one replica carries on at once, 1 to 1,024, default 64.</summary>
    [Range(1, 1_024)]
    public int MaxRaidsAtOnce { get; set; } = 64;

    /// <summary>How long the end of a stream is remembered, in seconds, 60 to 86,400, default 3,600. Facts about it that arrive later within that time do not bring it back.</summary>
    [Range(60, 86_400)]
    public int EndedMemorySeconds { get; set; } = 3_600;

    /// <summary>How long the raid of an ended stream answers for it, in seconds, 60 to 86,400, default 3,600. A repeated request gets the same raid, and the channel's page leads where the audience went.</summary>
    [Range(60, 86_400)]
    public int RaidMemorySeconds { get; set; } = 3_600;

    /// <summary>How long raids stay in the history, in days, 1 to 3,650, default 365.</summary>
    [Range(1, 3_650)]
    public int HistoryDays { get; set; } = 365;

    /// <summary>How many raids the history of a channel keeps, 1 to 10,000, default 200.</summary>
    [Range(1, 10_000)]
    public int HistoryPerChannel { get; set; } = 200;

    /// <summary>How long a channel's last target is remembered, in hours, 1 to 8,760, default 720 (30 days). It is not drawn twice in a row.</summary>
    [Range(1, 8_760)]
    public int LastTargetHours { get; set; } = 720;

    /// <summary>How long ending a stream may take with all its calls, in seconds, 1 to 30, default 10. It goes on when the caller hangs up, so it needs a bound of its own.</summary>
    [Range(1, 30)]
    public int EndTimeoutSeconds { get; set; } = 10;

    /// <summary>Pause between attempts to compare the directory with Topology, in milliseconds, 100 to 60,000, default 1,000: services start in any order.</summary>
    [Range(100, 60_000)]
    public int RebuildRetryMs { get; set; } = 1_000;

    /// <summary>How often the directory is compared with Topology, in seconds, 10 to 86,400, default 300: how long at most a stream is listed, or missing, when word of its end or start was lost.</summary>
    [Range(10, 86_400)]
    public int DirectoryCompareSeconds { get; set; } = 300;

    /// <summary>How many callers of one replica get live updates of the directory at once, 1 to 100,000, default 1,000.</summary>
    [Range(1, 100_000)]
    public int MaxWatchers { get; set; } = 1_000;

    /// <summary>How long changes of the directory are gathered before they are sent, in milliseconds, 50 to 10,000, default 250.</summary>
    [Range(50, 10_000)]
    public int LiveUpdateMs { get; set; } = 250;

    /// <summary>How often everything is compared for those who get live updates, in seconds, 5 to 3,600, default 30. A lost notice costs no more than that.</summary>
    [Range(5, 3_600)]
    public int LiveCompareSeconds { get; set; } = 30;
}
