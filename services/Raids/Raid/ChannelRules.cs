namespace Beacon.Raids.Raid;

/// <summary>Whose raids a channel accepts.</summary>
public enum RaidConsent
{
    /// <summary>Everybody's, but for the channels that it blocks.</summary>
    All = 0,

    /// <summary>Those of the channels that it follows.</summary>
    Followed = 1,

    /// <summary>Nobody's.</summary>
    None = 2,
}

/// <summary>Where a channel sends its visitors while it is offline.</summary>
public enum HostMode
{
    /// <summary>Nowhere.</summary>
    Off = 0,

    /// <summary>To the first of its list that is live.</summary>
    List = 1,

    /// <summary>To one of its list that is live, or to any live channel when the list is empty.</summary>
    Random = 2,
}

/// <summary>Why a channel does not accept a raid.</summary>
public enum RaidRefusal
{
    Closed = 0,
    NotFollowed = 1,
    Blocked = 2,
    TooFewViewers = 3,
    TooManyViewers = 4,
}

/// <summary>What a channel's owner has set. A channel whose owner set nothing accepts every raid.</summary>
public sealed record ChannelRules
{
    public static ChannelRules Default { get; } = new();

    public RaidConsent Accepts { get; init; }

    /// <summary>The smallest audience that is welcome.</summary>
    public int MinViewers { get; init; }

    /// <summary>The largest audience that is welcome, 0 = any.</summary>
    public int MaxViewers { get; init; }

    public IReadOnlyList<string> Blocked { get; init; } = [];

    public IReadOnlyList<string> Followed { get; init; } = [];

    /// <summary>Lower case.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>A BCP 47 tag, or empty.</summary>
    public string Language { get; init; } = "";

    public HostMode Hosting { get; init; }

    public IReadOnlyList<string> HostChannels { get; init; } = [];

    /// <summary>Null when an audience of this size is welcome from this channel. What is said first counts first: who, then how many.</summary>
    public RaidRefusal? Refuses(string fromChannel, int viewers)
    {
        if (Accepts == RaidConsent.None)
            return RaidRefusal.Closed;
        if (Blocked.Contains(fromChannel, StringComparer.Ordinal))
            return RaidRefusal.Blocked;
        if (Accepts == RaidConsent.Followed && !Followed.Contains(fromChannel, StringComparer.Ordinal))
            return RaidRefusal.NotFollowed;
        if (viewers < MinViewers)
            return RaidRefusal.TooFewViewers;
        return MaxViewers > 0 && viewers > MaxViewers ? RaidRefusal.TooManyViewers : null;
    }
}
