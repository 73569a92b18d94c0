using System.Runtime.InteropServices;

namespace Beacon.Ledger.Books;

/// <summary>The numbers are stored and equal those of the wire.</summary>
public enum SponsorshipState
{
    Active = 1,

    /// <summary>The budget is spent.</summary>
    Spent = 2,

    /// <summary>The stream or the campaign ended, or the sponsor ended it; what was left went back.</summary>
    Ended = 3,
}

/// <summary>How fast a budget may be spent.</summary>
/// <param name="MaxPerHour">Micro-credits in one clock hour (UTC); 0 = no bound.</param>
/// <param name="CampaignMs">The budget is spread evenly over this time, and the sponsorship ends with it; 0 = as the audience comes, until the stream ends.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Pace(long MaxPerHour, long CampaignMs);

/// <summary>What a sponsorship got for its money.</summary>
/// <param name="ViewerMs">Verified viewer time, milliseconds.</param>
/// <param name="Spent">Micro-credits.</param>
/// <param name="ToRelays">The part of it that relays got, micro-credits; the rest went to the broadcaster and the squad.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Delivery(long ViewerMs, long Spent, long ToRelays)
{
    public Delivery Plus(Delivery other) => new(ViewerMs + other.ViewerMs, Spent + other.Spent, ToRelays + other.ToRelays);
}

/// <summary>A funded budget for one stream. All amounts in micro-credits.</summary>
/// <param name="Rate">Per verified viewer-minute.</param>
/// <param name="CreatedAtMs">Unix milliseconds.</param>
/// <param name="Total">Delivered since the beginning.</param>
/// <param name="Hour">The clock hour of the latest delivery: Unix milliseconds / 3,600,000.</param>
/// <param name="ThisHour">Delivered in that hour.</param>
public sealed record Sponsorship(
    Guid Id,
    string StreamId,
    string SponsorAccountId,
    long Budget,
    long Rate,
    SponsorshipState State,
    long CreatedAtMs,
    Pace Pace = default,
    Delivery Total = default,
    long Hour = 0,
    Delivery ThisHour = default)
{
    public const long HourMs = 3_600_000;

    /// <summary>The sequence of the batch that funded it.</summary>
    public long Number { get; init; }

    public long Spent => Total.Spent;

    public long Left => Budget - Spent;

    /// <summary>Unix milliseconds; null when only the stream's end ends it.</summary>
    public long? EndsAtMs => Pace.CampaignMs == 0 ? null : CreatedAtMs + Pace.CampaignMs;

    public string EscrowAccountId => AccountIds.Escrow(Id);

    /// <summary>
    /// What may be spent at this moment: no more than is left, than the hour allows, and than the part of the campaign that is
    /// over has made free. What a quiet time left over may be caught up later.
    /// </summary>
    public long Allowed(long nowMs)
    {
        var allowed = Left;
        if (Pace.MaxPerHour > 0)
            allowed = Math.Min(allowed, Math.Max(0, Pace.MaxPerHour - (nowMs / HourMs == Hour ? ThisHour.Spent : 0)));
        if (Pace.CampaignMs > 0)
        {
            var elapsed = Math.Clamp(nowMs - CreatedAtMs, 0, Pace.CampaignMs);
            allowed = Math.Min(allowed, (long)Int128.Max(0, ((Int128)Budget * elapsed / Pace.CampaignMs) - Spent));
        }

        return allowed;
    }

    /// <summary>After a window's delivery.</summary>
    public Sponsorship Deliver(Delivery delivery, long nowMs)
    {
        var hour = nowMs / HourMs;
        return this with
        {
            Total = Total.Plus(delivery),
            Hour = hour,
            ThisHour = hour == Hour ? ThisHour.Plus(delivery) : delivery,
            State = Spent + delivery.Spent == Budget ? SponsorshipState.Spent : State,
        };
    }
}
