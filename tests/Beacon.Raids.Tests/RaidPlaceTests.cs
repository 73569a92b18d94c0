using Beacon.Contracts.Events;
using Beacon.Contracts.Raids.V1;

namespace Beacon.Raids.Tests;

/// <summary>The places that an audience has in its target before it moves, and who does not want one.</summary>
public sealed class RaidPlaceTests(GarnetFixture garnet, ITestOutputHelper output) : RaidTests(garnet, output), IClassFixture<GarnetFixture>
{
    [Fact]
    public async Task Before_a_raid_moves_its_audience_has_places_at_the_join_budget_and_then_one_word_is_enough()
    {
        await Host.AddStreamAsync("there", spare: 5_000);
        Host.Topology.Add("home", viewers: 1_000);
        Host.Topology.Trees["home"] = Tree("home", 1_000);
        var raid = await RaidAsync("home", "there");
        // 5 s for the last one, and 0.4 s for 1,000 at 2,500 a second.
        Clock.Advance(TimeSpan.FromSeconds(84));
        await PassAsync(TimeSpan.FromMilliseconds(500));
        Assert.Empty(Host.Topology.Placed);
        await PassAsync(TimeSpan.FromSeconds(4));
        Assert.Equal([250, 250, 250, 250], Host.Topology.Placed.Select(call => call.PeerIds.Count));
        Assert.Equal(1_000, Host.Topology.Placed.SelectMany(call => call.PeerIds).Distinct().Count());
        Assert.All(Host.Topology.Placed, call => Assert.Equal((raid.RaidId, "home", "there"), (call.RaidId, call.SourceStreamId, call.TargetStreamId)));
        Assert.Equal(Host.Topology.Placed.SelectMany(call => call.PeerIds), Host.Probe.Prepared.SelectMany(prepared => prepared.PeerIds));
        Assert.Equal(raid.MovesAt.ToDateTimeOffset(), Host.Probe.Prepared.First().MovesAt);
        Assert.Empty(Host.Probe.Seen);

        var done = await FinalAsync(raid.RaidId);

        Assert.Equal((RaidPhase.Done, 1_000u), (done.Phase, done.Viewers));
        Assert.Empty((await Host.Probe.NextAsync()).PeerIds);
        Assert.Single(Host.Probe.Seen);
        Assert.Equal(4, Host.Topology.Placed.Count);
    }

    [Fact]
    public async Task A_raid_that_is_cancelled_while_places_are_given_stops_giving_them()
    {
        await Host.AddStreamAsync("there", spare: 50_000);
        Host.Topology.Add("home", viewers: 10_000);
        Host.Topology.Trees["home"] = Tree("home", 10_000);
        var raid = await RaidAsync("home", "there");
        Clock.Advance(TimeSpan.FromSeconds(82));
        for (var round = 0; round < 200 && Host.Topology.Placed.Count < 2; round++)
            await PassAsync(TimeSpan.FromMilliseconds(20));
        Assert.NotEmpty(Host.Topology.Placed);

        Assert.Equal(RaidPhase.Cancelled, (await CancelAsync(raid.RaidId)).Phase);
        await PassAsync(TimeSpan.FromMilliseconds(500));
        var given = Host.Topology.Placed.Count;
        await PassAsync(TimeSpan.FromSeconds(5));

        Assert.Equal(given, Host.Topology.Placed.Count);
        Assert.InRange(given, 2, 39);
        Assert.Equal(raid.RaidId, (await Host.Probe.NextCancelledAsync()).RaidId);
        Assert.Empty(Host.Probe.Seen);
        Assert.Empty(Host.Topology.Ended);
    }

    [Fact]
    public async Task When_the_target_ends_after_places_were_given_they_are_given_in_the_next_one()
    {
        await Host.AddStreamAsync("there");
        await Host.AddStreamAsync("next");
        Host.Topology.Trees["home"] = Tree("home", 12);
        var raid = await RaidAsync("home", "there", countdown: 15);
        Clock.Advance(TimeSpan.FromSeconds(8));
        await PassAsync(TimeSpan.FromSeconds(2.5));
        for (var round = 0; round < 400 && Host.Topology.Placed.IsEmpty; round++)
            await PassAsync(TimeSpan.FromMilliseconds(10));
        Assert.Equal("there", Assert.Single(Host.Topology.Placed).TargetStreamId);
        Host.Topology.Live.TryRemove("there", out _);
        Assert.Equal("next", (await FinalAsync(raid.RaidId)).Targets.Single().StreamId);
        Assert.Equal("next", Host.Topology.Placed.Last().TargetStreamId);
        Assert.Equal("next", Assert.Single(Host.Probe.Seen).TargetStreamId);
    }

    [Fact]
    public async Task Without_places_the_audience_moves_all_the_same()
    {
        await Host.AddStreamAsync("there");
        Host.Topology.Trees["home"] = Tree("home", 12);
        Host.Topology.RefusePlaces = true;
        var raid = await RaidAsync("home", "there", countdown: 10);
        Assert.Equal(RaidPhase.Done, (await FinalAsync(raid.RaidId)).Phase);
        Assert.Empty(Host.Probe.Prepared);
        Assert.Equal("there", Assert.Single(Host.Probe.Seen).TargetStreamId);
        // A target that takes nobody is not asked for ever.
        Assert.Equal(3, Host.Topology.PlacesRefused);
    }

    [Fact]
    public async Task Who_declined_gets_no_place()
    {
        await Host.AddStreamAsync("there");
        Host.Topology.Trees["home"] = Tree("home", 12);
        var raid = await RaidAsync("home", "there", countdown: 10);
        await Host.PublishAsync(new RaidDeclined(raid.RaidId, "home", "p3"));
        Assert.Equal((RaidPhase.Done, 1u), (await FinalAsync(raid.RaidId)) is var done ? (done.Phase, done.Declined) : default);
        Assert.Equal(["p0", "p1", "p10", "p11", "p2", "p4", "p5", "p6", "p7", "p8", "p9"], Assert.Single(Host.Topology.Placed).PeerIds.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Who_declines_is_counted_once_and_stays_in_the_history()
    {
        await Host.AddStreamAsync("there");
        var raid = await RaidAsync("home", "there");
        foreach (var peerId in new[] { "p1", "p2", "p1" })
            await Host.PublishAsync(new RaidDeclined(raid.RaidId, "home", peerId));
        Assert.Equal(2u, (await GetAsync(raid.RaidId)).Declined);
        await CancelAsync(raid.RaidId);
        await Host.PublishAsync(new RaidDeclined(raid.RaidId, "home", "p3"));
        await Host.PublishAsync(new RaidDeclined(Guid.NewGuid().ToString(), "home", "p3"));
        Assert.Equal(2u, Assert.Single(await ListAsync("channel-home")).Declined);
        Assert.Equal(2u, (await GetAsync(raid.RaidId)).Declined);
    }
}
