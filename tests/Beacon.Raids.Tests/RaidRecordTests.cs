using Beacon.Raids.Raid;
using FsCheck;
using FsCheck.Fluent;

namespace Beacon.Raids.Tests;

public sealed class RaidRecordTests
{
    private static readonly RaidTarget Target = new("target", "there", "title", 3, 1);

    private static readonly RaidRecord Proposed =
        new("raid", "source", "here", "account", 1, RaidState.Proposed, Target, 7, DateTimeOffset.UnixEpoch);

    private static readonly Func<RaidRecord, RaidRecord>[] Steps = [raid => raid.Move(), raid => raid.Complete(), raid => raid.Cancel(), raid => raid.Fail()];

    private static readonly Dictionary<RaidState, RaidState[]> Allowed = new()
    {
        [RaidState.Proposed] = [RaidState.Moving, RaidState.Cancelled, RaidState.Failed],
        [RaidState.Moving] = [RaidState.Done],
        [RaidState.Done] = [],
        [RaidState.Cancelled] = [],
        [RaidState.Failed] = [],
    };

    [Fact]
    public void A_raid_moves_and_is_done() => Assert.Equal(RaidState.Done, Proposed.Move().Complete().State);

    [Fact]
    public void A_raid_that_moves_cannot_be_cancelled() =>
        Assert.Equal("Raid raid is Moving and cannot become Cancelled.", Assert.Throws<InvalidOperationException>(() => Proposed.Move().Cancel()).Message);

    [Fact]
    public void A_raid_without_a_target_cannot_move() =>
        Assert.Equal("Raid raid has no target and cannot move.", Assert.Throws<InvalidOperationException>(() => (Proposed with { Target = null }).Move()).Message);

    [Fact]
    public void A_cancelled_or_failed_raid_has_no_target()
    {
        Assert.Null(Proposed.Cancel().Target);
        Assert.Null(Proposed.Fail().Target);
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
