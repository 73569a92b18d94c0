using Beacon.Raids.Raid;
using FsCheck;
using FsCheck.Fluent;

namespace Beacon.Raids.Tests;

public sealed class RaidRecordTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly RaidTarget Target = new("target", "there", "title", 3, 1);
    private static readonly RaidRecord Proposed = Records.Proposed(Noon) with { Target = Target };

    private static readonly Func<RaidRecord, RaidRecord>[] Steps =
    [
        raid => raid.Announce(),
        raid => raid.Aim(Target, []),
        raid => raid.Place([new RaidShare(Target, 7)]),
        raid => raid.Move([new RaidShare(Target, 7)]),
        raid => raid.Complete(Noon),
        raid => raid.Cancel("cancelled_by_raider", Noon),
        raid => raid.Fail("no_target", Noon),
    ];

    private static readonly Dictionary<RaidState, RaidState[]> Allowed = new()
    {
        [RaidState.Proposed] = [RaidState.Proposed, RaidState.Countdown, RaidState.Moving, RaidState.Cancelled, RaidState.Failed],
        [RaidState.Countdown] = [RaidState.Countdown, RaidState.Moving, RaidState.Cancelled, RaidState.Failed],
        [RaidState.Moving] = [RaidState.Done, RaidState.Failed],
        [RaidState.Done] = [],
        [RaidState.Cancelled] = [],
        [RaidState.Failed] = [],
    };

    [Fact]
    public void A_raid_counts_down_moves_and_is_done() =>
        Assert.Equal(RaidState.Done, Proposed.Announce().Move([new RaidShare(Target, 7)]).Complete(Noon).State);

    [Fact]
    public void A_raid_that_moves_cannot_be_cancelled() => Assert.Equal(
        "Raid raid is Moving and cannot become Cancelled.",
        Assert.Throws<InvalidOperationException>(() => Proposed.Move([new RaidShare(Target, 7)]).Cancel("cancelled_by_raider", Noon)).Message);

    [Fact]
    public void A_raid_without_a_target_cannot_be_announced_or_move()
    {
        var aimless = Proposed with { Target = null };
        Assert.Equal("Raid raid has no target and cannot be announced.", Assert.Throws<InvalidOperationException>(() => aimless.Announce()).Message);
        Assert.Equal("Raid raid has no target and cannot move.", Assert.Throws<InvalidOperationException>(() => aimless.Move([])).Message);
    }

    [Fact]
    public void A_cancelled_or_failed_raid_has_no_target_and_a_reason()
    {
        var cancelled = Proposed.Cancel("cancelled_by_raider", Noon);
        Assert.Equal((null, "cancelled_by_raider", Noon), (cancelled.Target, cancelled.Reason, cancelled.FinishedAt));
        Assert.Null(Proposed.Fail("no_target", Noon).Target);
    }

    [Fact]
    public void Whatever_is_asked_in_whatever_order_only_the_allowed_steps_are_taken() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1_000), Prop.ForAll(
            ArbMap.Default.ArbFor<int[]>(),
            orders =>
            {
                var raid = Proposed;
                foreach (var order in orders)
                {
                    var before = raid;
                    try
                    {
                        raid = Steps[(int)((uint)order % Steps.Length)](raid);
                    }
                    catch (InvalidOperationException)
                    {
                        Assert.Same(before, raid);
                        continue;
                    }

                    Assert.Contains(raid.State, Allowed[before.State]);
                    Assert.Equal(Allowed[raid.State].Length == 0, raid.IsFinal);
                }
            }));
}

/// <summary>Raids for tests.</summary>
internal static class Records
{
    public static RaidRecord Proposed(DateTimeOffset now) => new()
    {
        RaidId = "raid",
        SourceStreamId = "source",
        SourceChannel = "here",
        BroadcasterAccountId = "account",
        SourceStartedAtUnixMs = 1,
        Origin = RaidOrigin.Command,
        Viewers = 7,
        ProposedAt = now,
        MovesAt = now.AddSeconds(90),
    };
}
