using Beacon.Raids.Raid;
using FsCheck;
using FsCheck.Fluent;

namespace Beacon.Raids.Tests;

public sealed class RaidMachineTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly RaidTarget Target = new("target", "there", "title", 3, 1);
    private static readonly RaidMachine Machine = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(600));

    public static TheoryData<RaidState, int, SourceCondition, bool, RaidAction> Cases => new()
    {
        { RaidState.Proposed, 0, SourceCondition.Live, true, RaidAction.Announce },
        { RaidState.Proposed, 0, SourceCondition.Live, false, RaidAction.Select },
        { RaidState.Proposed, 90, SourceCondition.Live, true, RaidAction.Move },
        { RaidState.Proposed, 0, SourceCondition.Gone, true, RaidAction.FailSourceEnded },
        { RaidState.Countdown, 89, SourceCondition.Live, true, RaidAction.Wait },
        { RaidState.Countdown, 90, SourceCondition.Live, true, RaidAction.Move },
        { RaidState.Countdown, 30, SourceCondition.Live, false, RaidAction.Select },
        { RaidState.Countdown, 90, SourceCondition.Live, false, RaidAction.Select },
        { RaidState.Countdown, 30, SourceCondition.Gone, true, RaidAction.FailSourceEnded },
        { RaidState.Countdown, 689, SourceCondition.Live, true, RaidAction.Move },
        { RaidState.Countdown, 690, SourceCondition.Live, true, RaidAction.GiveUp },
        { RaidState.Moving, 91, SourceCondition.Gone, false, RaidAction.Move },
        { RaidState.Moving, 690, SourceCondition.Live, true, RaidAction.GiveUp },
        { RaidState.Done, 0, SourceCondition.Live, true, RaidAction.Nothing },
        { RaidState.Cancelled, 0, SourceCondition.Live, true, RaidAction.Nothing },
        { RaidState.Failed, 9_999, SourceCondition.Gone, false, RaidAction.Nothing },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_next_step_follows_from_what_is_known(RaidState state, int seconds, SourceCondition source, bool isTargetFit, RaidAction expected) =>
        Assert.Equal(expected, Machine.Next(Records.Proposed(Noon) with { State = state, Target = Target }, Noon.AddSeconds(seconds), source, isTargetFit).Action);

    [Theory]
    [InlineData(79, RaidAction.Wait)]
    [InlineData(80, RaidAction.Place)]
    [InlineData(90, RaidAction.Move)]
    public void Places_are_given_so_early_that_the_last_viewer_has_one_in_time(int seconds, RaidAction expected)
    {
        var machine = new RaidMachine(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(600), PlaceAhead: TimeSpan.FromSeconds(6), JoinsPerSecond: 2_500);
        var raid = Records.Proposed(Noon) with { State = RaidState.Countdown, Target = Target, Viewers = 10_000 };
        Assert.Equal(expected, machine.Next(raid, Noon.AddSeconds(seconds), SourceCondition.Live, true).Action);
        Assert.Equal(Noon.AddSeconds(80), machine.Next(raid, Noon.AddSeconds(78), SourceCondition.Live, true).Until);
        // Once, unless the target changes; and not for ever.
        Assert.NotEqual(RaidAction.Place, machine.Next(raid with { IsPlaced = true }, Noon.AddSeconds(seconds), SourceCondition.Live, true).Action);
        Assert.NotEqual(RaidAction.Place, machine.Next(raid with { Placings = 3 }, Noon.AddSeconds(seconds), SourceCondition.Live, true).Action);
        Assert.False((raid with { IsPlaced = true }).Aim(Target, []).IsPlaced);
    }

    [Fact]
    public void A_countdown_waits_until_its_target_is_looked_at_again_or_its_end_whichever_is_first()
    {
        var raid = Records.Proposed(Noon) with { State = RaidState.Countdown, Target = Target };
        Assert.Equal(Noon.AddSeconds(15), Machine.Next(raid, Noon.AddSeconds(10), SourceCondition.Live, true).Until);
        Assert.Equal(Noon.AddSeconds(90), Machine.Next(raid, Noon.AddSeconds(88), SourceCondition.Live, true).Until);
        Assert.Equal(Noon.AddSeconds(12), Machine.Next(raid with { SourceEndsAt = Noon.AddSeconds(12) }, Noon.AddSeconds(10), SourceCondition.Away, true).Until);
    }

    [Theory]
    [InlineData(SourceCondition.Away, RaidAction.Move)]
    [InlineData(SourceCondition.Live, RaidAction.Reprieve)]
    public void A_broadcaster_who_stays_away_ends_the_countdown_and_one_who_is_back_does_not(SourceCondition source, RaidAction expected) => Assert.Equal(
        expected,
        Machine.Next(Records.Proposed(Noon) with { State = RaidState.Countdown, Target = Target, SourceEndsAt = Noon.AddSeconds(27) }, Noon.AddSeconds(27), source, true).Action);

    [Theory]
    [InlineData(0, SourceCondition.Away, false, RaidAction.Wait)]
    [InlineData(0, SourceCondition.Live, false, RaidAction.Forget)]
    [InlineData(90, SourceCondition.Away, false, RaidAction.Select)]
    [InlineData(90, SourceCondition.Away, true, RaidAction.Move)]
    [InlineData(90, SourceCondition.Live, true, RaidAction.Forget)]
    public void The_audience_of_a_lost_broadcaster_is_sent_on_when_the_grace_is_over_and_not_before(int seconds, SourceCondition source, bool isTargetFit, RaidAction expected) =>
        Assert.Equal(expected, Machine.Next(Records.Proposed(Noon) with { Origin = RaidOrigin.BroadcasterLost }, Noon.AddSeconds(seconds), source, isTargetFit).Action);

    [Fact]
    public void An_end_without_a_raid_only_ends() =>
        Assert.Equal(RaidAction.EndOnly, Machine.Next(Records.Proposed(Noon) with { Origin = RaidOrigin.End, IsUnwanted = true }, Noon, SourceCondition.Live, false).Action);

    /// <summary>The runner in small: it does what the machine says, while source and target change as they like.</summary>
    [Fact]
    public void Whatever_happens_each_raid_ends_once_and_never_moves_before_its_time() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000), Prop.ForAll(
            ArbMap.Default.ArbFor<(RaidOrigin, byte, int[])>(),
            given =>
            {
                var (origin, countdown, turns) = given;
                var now = Noon;
                var raid = Records.Proposed(Noon) with { Origin = origin, MovesAt = Noon.AddSeconds(countdown) };
                var placing = Machine with { PlaceAhead = TimeSpan.FromSeconds(6), JoinsPerSecond = 2 };
                var (finals, placings) = (0, 0);
                foreach (var turn in turns.Concat(Enumerable.Repeat(0, 400)))
                {
                    var bits = (uint)turn;
                    var source = bits % 7 == 1 ? SourceCondition.Away : bits % 31 == 2 ? SourceCondition.Gone : SourceCondition.Live;
                    var isFit = raid.Target is not null && bits % 5 != 3;
                    var step = placing.Next(raid, now, source, isFit);
                    if (raid.IsFinal)
                    {
                        Assert.Equal(RaidAction.Nothing, step.Action);
                        continue;
                    }

                    Assert.True(step.Action != RaidAction.Move || raid.State == RaidState.Moving || now >= raid.MovesAt || raid.SourceEndsAt <= now, $"{raid} moves at {now}");
                    raid = step.Action switch
                    {
                        RaidAction.Announce => raid.Announce(),
                        RaidAction.Select when bits % 11 == 4 => raid.Fail(RaidReasons.NoTarget, now),
                        RaidAction.Select => raid.Aim(Target, []),
                        RaidAction.Reprieve => raid with { SourceEndsAt = null },
                        // Placing may be overtaken or refused.
                        RaidAction.Place => raid.Place([new RaidShare(raid.Target!, 1)]) with { IsPlaced = bits % 3 == 0 },
                        RaidAction.Move when raid.State == RaidState.Moving => raid.Complete(now),
                        RaidAction.Move => raid.Move([new RaidShare(raid.Target!, 1)]),
                        RaidAction.Forget => raid.Cancel(RaidReasons.BroadcasterReturned, now),
                        RaidAction.FailSourceEnded => raid.Fail(RaidReasons.SourceEnded, now),
                        RaidAction.GiveUp => raid.Fail(RaidReasons.TimedOut, now),
                        _ => raid,
                    };
                    finals += raid.IsFinal ? 1 : 0;
                    placings = step.Action == RaidAction.Select ? 0 : placings + (step.Action == RaidAction.Place ? 1 : 0);
                    Assert.InRange(placings, 0, 3);
                    Assert.True(step.Action != RaidAction.Wait || step.Until > now, "A wait lies ahead.");
                    now = step.Action == RaidAction.Wait ? step.Until : now.AddMilliseconds(bits % 1_000);
                }

                Assert.Equal(1, finals);
            }));
}
