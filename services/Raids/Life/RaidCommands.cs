using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Raid;
using Beacon.ServiceDefaults;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Beacon.Raids.Life;

/// <summary>
/// What broadcasters want: a raid, no raid, an end. Refusals come first and change nothing; then the raid is recorded, before anybody is told,
/// and <see cref="RaidRunner"/> carries it on from the record. Two requests at once, or a repeated one, find the raid that stands.
/// </summary>
internal sealed class RaidCommands(
    RaidStore raids, TargetFinder targets, RaidRunner runner, IBus bus, IOptions<RaidsOptions> options, TimeProvider clock)
{
    /// <summary>The wish for no raid, in place of a stream id.</summary>
    public const string NoRaid = "none";

    /// <summary>How often a decision is made again because somebody else wrote meanwhile.</summary>
    private const int MaxTries = 8;

    /// <summary>Announces a raid of a stream whose owner has been checked.</summary>
    /// <param name="targetStreamId">Empty = drawn.</param>
    public async Task<RaidRecord> StartAsync(LiveStream source, string targetStreamId, uint? countdownSeconds, CancellationToken cancellationToken)
    {
        var movesAt = MovesAt(countdownSeconds, options.Value.CountdownSeconds);
        var former = await SettleAsync(await raids.FindOfStreamAsync(source.StreamId), source);
        if (former is { IsFinal: false })
            throw RaidsErrors.RaidAlreadyRunning.Exception();
        var named = targetStreamId.Length == 0 ? null : await targets.NamedAsync(source, targetStreamId, isNamedBefore: false, cancellationToken);
        var raid = await MakeAsync(source, RaidOrigin.Command, movesAt, takesSeed: true) with { Target = named };
        if (named is null)
        {
            var selection = await targets.DrawnAsync(raid, [], cancellationToken);
            raid = raid.Aim(selection.Target ?? throw RaidsErrors.NoRaidTarget.Exception(), selection.Draws);
        }

        return await raids.ProposeAsync(raid, former, raid.ProposedAt, isCounted: true) switch
        {
            Proposal.Recorded => await runner.CarryOutAsync(raid, cancellationToken),
            Proposal.LimitReached => throw RaidsErrors.RaidLimitReached.Exception(),
            _ => throw RaidsErrors.RaidAlreadyRunning.Exception(),
        };
    }

    /// <summary>Ends a stream whose owner has been checked.</summary>
    /// <param name="wish">A stream id, empty for a drawn target, or <see cref="NoRaid"/>.</param>
    public async Task<RaidRecord> EndAsync(LiveStream source, string wish, uint? countdownSeconds, CancellationToken cancellationToken)
    {
        var movesAt = MovesAt(countdownSeconds, options.Value.EndCountdownSeconds);
        var named = wish is "" or NoRaid ? null : await targets.NamedAsync(source, wish, await AimsAtAsync(source, wish), cancellationToken);
        for (var attempt = 0; attempt < MaxTries; attempt++)
        {
            var former = await SettleAsync(await raids.FindOfStreamAsync(source.StreamId), source);
            if (former is { IsFinal: false })
            {
                if (await HastenAsync(former, wish) is { } hastened)
                    return await runner.CarryOutAsync(hastened, cancellationToken);
                continue;
            }

            var raid = await MakeAsync(source, RaidOrigin.End, wish == NoRaid ? clock.GetUtcNow() : movesAt, takesSeed: wish != NoRaid) with { Target = named, IsUnwanted = wish == NoRaid };
            var proposal = await raids.ProposeAsync(raid, former, raid.ProposedAt, isCounted: !raid.IsUnwanted);
            if (proposal == Proposal.LimitReached)
            {
                if (named is not null)
                    throw RaidsErrors.RaidLimitReached.Exception();
                // Who wants to end must be able to: without a raid then.
                raid = raid with { IsUnwanted = true, Reason = RaidReasons.LimitReached, Seed = "" };
                proposal = await raids.ProposeAsync(raid, former, raid.ProposedAt, isCounted: false);
            }

            if (proposal == Proposal.Recorded)
                return await runner.CarryOutAsync(raid, cancellationToken);
        }

        throw CommonErrors.ServiceUnavailable.Exception();
    }

    /// <summary>Cancels a raid of the caller's.</summary>
    public async Task<RaidRecord> CancelAsync(string raidId, Caller caller, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxTries; attempt++)
        {
            var raid = Guid.TryParseExact(raidId, "D", out _) ? await raids.FindAsync(raidId) : null;
            if (raid is null)
                throw RaidsErrors.UnknownRaid.Exception();
            if (raid.BroadcasterAccountId != caller.AccountId)
                throw CommonErrors.NotYourStream.Exception();
            if (raid.State == RaidState.Cancelled)
                return raid;
            if (raid.IsFinal || raid.State == RaidState.Moving)
                throw RaidsErrors.RaidAlreadyMoving.Exception();
            var now = clock.GetUtcNow();
            if (await raids.SaveAsync(raid, raid.Cancel(RaidReasons.CancelledByRaider, now) with { Declined = await raids.DeclinesAsync(raidId) }, now) is { } cancelled)
            {
                await bus.Publish(new RaidCancelled(raid.RaidId, raid.SourceStreamId, cancelled.Reason), cancellationToken);
                return cancelled;
            }
        }

        throw CommonErrors.ServiceUnavailable.Exception();
    }

    /// <summary>A broadcaster's connection is lost: shortly before its time of grace is over the audience will be sent on.</summary>
    public async Task BroadcasterAwayAsync(BroadcasterAway fact)
    {
        var now = clock.GetUtcNow();
        var deadline = fact.EndsAt - TimeSpan.FromSeconds(options.Value.LostLeadSeconds);
        if (deadline < now)
            deadline = now;
        for (var attempt = 0; attempt < MaxTries; attempt++)
        {
            var former = await raids.FindOfStreamAsync(fact.StreamId);
            if (former is { IsFinal: false, State: RaidState.Moving })
                return;
            if (former is { IsFinal: false })
            {
                // Of two absences the later one ends later: word of the former may come after it.
                var next = former.Origin == RaidOrigin.BroadcasterLost
                    ? former with { MovesAt = Later(former.MovesAt, deadline) }
                    : former with { SourceEndsAt = Later(former.SourceEndsAt ?? deadline, deadline) };
                if (await raids.SaveAsync(former, next, deadline < former.MovesAt ? deadline : next.MovesAt) is not null)
                    break;
                continue;
            }

            var raid = await MakeAsync(
                new LiveStream
                {
                    StreamId = fact.StreamId,
                    Channel = fact.Channel,
                    BroadcasterAccountId = fact.BroadcasterAccountId,
                    StartedAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(fact.StartedAt),
                },
                RaidOrigin.BroadcasterLost,
                deadline,
                takesSeed: false);
            if (await raids.ProposeAsync(raid, former, deadline, isCounted: false) == Proposal.Recorded)
                break;
        }

        runner.Wake();
    }

    /// <summary>True for the raid of this life of the stream, not of one before it was resumed.</summary>
    public static bool IsOfThisLife(RaidRecord raid, LiveStream source) => raid.SourceStartedAtUnixMs == source.StartedAt.ToDateTimeOffset().ToUnixTimeMilliseconds();

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private DateTimeOffset MovesAt(uint? wanted, int configured)
    {
        if (wanted > RaidsOptions.MaxCountdownSeconds)
            throw RaidsErrors.InvalidCountdown.Exception($"The countdown is {wanted} seconds; 0 to {RaidsOptions.MaxCountdownSeconds}.");
        return clock.GetUtcNow() + TimeSpan.FromSeconds(wanted ?? (uint)configured);
    }

    /// <summary>The target of a raid under way cools down or leaves for others, not for itself.</summary>
    private async Task<bool> AimsAtAsync(LiveStream source, string targetStreamId) =>
        await raids.FindOfStreamAsync(source.StreamId) is { IsFinal: false } raid && IsOfThisLife(raid, source)
        && (raid.State == RaidState.Moving || raid.Target?.StreamId == targetStreamId);

    /// <summary>
    /// Takes out of the way what no longer stands: a raid of a former life of the stream, and the one that waits for a lost broadcaster, who is
    /// obviously back.
    /// </summary>
    private async Task<RaidRecord?> SettleAsync(RaidRecord? former, LiveStream source)
    {
        if (former is null or { IsFinal: true })
            return former;
        var now = clock.GetUtcNow();
        if (!IsOfThisLife(former, source))
            return await raids.SaveAsync(former, former.Fail(RaidReasons.SourceEnded, now), now) ?? former;
        return former is { Origin: RaidOrigin.BroadcasterLost, State: RaidState.Proposed }
            ? await raids.SaveAsync(former, former.Cancel(RaidReasons.BroadcasterReturned, now), now) ?? former
            : former;
    }

    /// <summary>An end while a raid is under way: now, with the target that it has, or without. Null when the raid changed meanwhile.</summary>
    private async Task<RaidRecord?> HastenAsync(RaidRecord raid, string wish)
    {
        if (raid.State == RaidState.Moving || raid is { State: RaidState.Proposed, Origin: RaidOrigin.End })
            return raid;
        if (wish is not ("" or NoRaid) && wish != raid.Target?.StreamId)
            throw RaidsErrors.RaidAlreadyRunning.Exception();
        var now = clock.GetUtcNow();
        return await raids.SaveAsync(raid, raid with { Origin = RaidOrigin.End, MovesAt = now, IsUnwanted = wish == NoRaid }, now);
    }

    private async Task<RaidRecord> MakeAsync(LiveStream source, RaidOrigin origin, DateTimeOffset movesAt, bool takesSeed)
    {
        var now = clock.GetUtcNow();
        return new RaidRecord
        {
            RaidId = Guid.CreateVersion7(now).ToString(),
            SourceStreamId = source.StreamId,
            SourceChannel = source.Channel,
            BroadcasterAccountId = source.BroadcasterAccountId,
            SourceStartedAtUnixMs = source.StartedAt.ToDateTimeOffset().ToUnixTimeMilliseconds(),
            Origin = origin,
            Viewers = (int)Math.Min(source.Viewers, int.MaxValue),
            ProposedAt = now,
            MovesAt = movesAt < now ? now : movesAt,
            // A seed is for a raid that is in the history: who only ends takes none, and a lost broadcaster's raid takes one when it draws.
            Seed = takesSeed ? await raids.NextSeedAsync(source.Channel) : "",
        };
    }
}
