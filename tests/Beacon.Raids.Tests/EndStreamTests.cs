using Beacon.Contracts.Events;
using Beacon.Contracts.Raids.V1;
using Beacon.Raids.Life;
using Beacon.Raids.Streams;
using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Raids.Tests;

public sealed class EndStreamTests(GarnetFixture garnet, ITestOutputHelper output) : IClassFixture<GarnetFixture>, IAsyncLifetime
{
    private const int Seed = 42;
    private RaidsHost? _host;

    private RaidsHost Host => _host!;

    public async ValueTask InitializeAsync()
    {
        output.WriteLine($"seed {Seed}");
        await garnet.ClearAsync();
        _host = await RaidsHost.StartAsync(garnet, Seed);
        await Host.AddStreamAsync("home", viewers: 12);
    }

    public async ValueTask DisposeAsync() => await Host.DisposeAsync();

    [Fact]
    public async Task The_audience_goes_to_the_named_target_before_the_stream_ends()
    {
        await Host.AddStreamAsync("there");
        var answer = await EndAsync("home", "there");
        var raid = await Host.Probe.NextAsync();
        Assert.Equal(new EndStreamResponse { RaidId = raid.RaidId, TargetStreamId = "there", Viewers = 12, Phase = RaidPhase.Done, MovesAt = answer.MovesAt }, answer);
        Assert.Empty(raid.PeerIds);
        Assert.Equal(new RaidLaunched(answer.RaidId, "home", "there", "channel-there", "Title of there", 12, raid.LaunchedAt, raid.PeerIds), raid);
        var ended = Assert.Single(Host.Topology.Ended);
        Assert.Equal(("home", "ended"), (ended.StreamId, ended.Reason));
    }

    [Fact]
    public async Task Without_a_name_the_only_other_stream_is_drawn()
    {
        await Host.AddStreamAsync("there");
        Assert.Equal("there", (await EndAsync("home", "")).TargetStreamId);
        Assert.Equal("there", (await Host.Probe.NextAsync()).TargetStreamId);
    }

    [Fact]
    public async Task With_nobody_else_live_the_stream_just_ends()
    {
        Assert.Equal(new EndStreamResponse { Phase = RaidPhase.Failed }, await EndAsync("home", ""));
        Assert.Single(Host.Topology.Ended);
        Assert.Empty(Host.Probe.Seen);
    }

    [Fact]
    public async Task Who_wants_no_raid_gets_none()
    {
        await Host.AddStreamAsync("there");
        Assert.Equal(new EndStreamResponse { Phase = RaidPhase.Cancelled }, await EndAsync("home", "none"));
        Assert.Single(Host.Topology.Ended);
        Assert.Empty(Host.Probe.Seen);
    }

    [Fact]
    public async Task A_drawn_stream_that_is_over_is_forgotten_and_the_next_one_is_drawn()
    {
        await Host.AddStreamAsync("gone");
        await Host.AddStreamAsync("gone-too");
        await Host.AddStreamAsync("there", spare: 0);
        Host.Topology.Live.TryRemove("gone", out _);
        Host.Topology.Live.TryRemove("gone-too", out _);
        Assert.Equal("there", (await EndAsync("home", "")).TargetStreamId);
        var left = (await Host.Client.ListStreamsAsync(new ListStreamsRequest())).Streams.Select(stream => stream.StreamId);
        Assert.Equal(["home", "there"], left);
    }

    [Fact]
    public async Task A_drawn_stream_that_is_full_by_now_gives_way_to_one_with_room()
    {
        await Host.AddStreamAsync("full");
        await Host.AddStreamAsync("roomy", viewers: 1_000_000);
        Host.Topology.Live["full"].SpareSlots = 0;
        Assert.Equal("roomy", (await EndAsync("home", "")).TargetStreamId);
    }

    [Fact]
    public async Task A_full_stream_is_better_than_none()
    {
        await Host.AddStreamAsync("full");
        Host.Topology.Live["full"].SpareSlots = 0;
        Assert.Equal("full", (await EndAsync("home", "")).TargetStreamId);
    }

    [Fact]
    public async Task A_stream_whose_broadcaster_is_away_is_not_drawn()
    {
        await Host.AddStreamAsync("away");
        Host.Topology.Live["away"].BroadcasterConnected = false;
        Assert.Equal(new EndStreamResponse { Phase = RaidPhase.Failed }, await EndAsync("home", ""));
    }

    [Fact]
    public async Task The_same_channel_is_not_drawn_twice_in_a_row()
    {
        await Host.AddStreamAsync("first");
        await Host.AddStreamAsync("second");
        var one = (await EndAsync("home", "")).TargetStreamId;
        await Host.AddStreamAsync("home-again", channel: "channel-home");
        Host.Topology.Live["home-again"].BroadcasterAccountId = "account-home";
        var two = (await EndAsync("home-again", "")).TargetStreamId;
        Assert.Equal(["first", "second"], new[] { one, two }.Order());
    }

    [Fact]
    public async Task A_member_of_the_squad_takes_the_stream_over_and_nobody_else_does()
    {
        Host.Topology.Squads["home"] = ["account-home", "account-second"];
        var request = new HandOverStreamRequest { StreamId = "home", PeerId = "peer" };
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await Host.Client.HandOverStreamAsync(request, RaidsHost.As("account-third")));
        Assert.Equal("not_in_squad", Fault.ReasonOf(refused));
        Assert.Equal("account-home", Host.Topology.Live["home"].BroadcasterAccountId);
        Assert.Equal("account-second", (await Host.Client.HandOverStreamAsync(request, RaidsHost.As("account-second"))).BroadcasterAccountId);
        var unknown = await Assert.ThrowsAsync<RpcException>(async () => await Host.Client.HandOverStreamAsync(new HandOverStreamRequest { StreamId = "nowhere" }, RaidsHost.As("account-second")));
        Assert.Equal("unknown_stream", Fault.ReasonOf(unknown));
    }

    [Fact]
    public async Task Two_requests_at_once_have_one_raid()
    {
        await Host.AddStreamAsync("a");
        await Host.AddStreamAsync("b");
        Host.Topology.HoldEnd = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = EndAsync("home", "");
        await Host.Topology.EndArrived.Task.WaitAsync(TestContext.Current.CancellationToken);
        var second = EndAsync("home", "");
        Host.Topology.HoldEnd.SetResult();
        var answers = await Task.WhenAll(first, second);
        Assert.Equal(answers[0], answers[1]);
        Assert.NotEmpty(answers[0].RaidId);
        await Host.Probe.NextAsync();
        Assert.Single(Host.Probe.Seen);
    }

    [Fact]
    public async Task Who_asks_again_after_the_end_gets_the_same_answer()
    {
        await Host.AddStreamAsync("there");
        var answer = await EndAsync("home", "");
        Assert.Equal(answer, await EndAsync("home", "none"));
        Assert.Single(Host.Topology.Ended);
    }

    [Fact]
    public async Task After_a_crash_between_raid_and_end_the_next_request_ends_the_stream_with_the_same_raid()
    {
        await Host.AddStreamAsync("there");
        await Host.AddStreamAsync("elsewhere");
        var answer = await EndAsync("home", "there");
        await Host.Probe.NextAsync();
        // The stream is still live and its raid moves: what a process leaves behind that dies after it told the edges.
        Host.Topology.Add("home", viewers: 12);
        var store = Host.Get<RaidStore>();
        var raid = (await store.FindOfStreamAsync("home"))!;
        Assert.NotNull(await store.SaveAsync(raid, raid with { State = Raid.RaidState.Moving, FinishedAt = null, LeaseUntil = default }, raid.MovesAt));
        Assert.Equal(answer, await EndAsync("home", "elsewhere"));
        Assert.Equal(2, Host.Topology.Ended.Count);
        Assert.Single(Host.Probe.Seen);
    }

    [Fact]
    public async Task A_resumed_stream_that_ends_again_gets_a_raid_of_its_own()
    {
        await Host.AddStreamAsync("there");
        var first = await EndAsync("home", "there");
        await Host.AddStreamAsync("elsewhere");
        Host.Topology.Add("home", viewers: 3).StartedAt.Seconds += 600;
        var second = await EndAsync("home", "elsewhere");
        Assert.NotEqual(first.RaidId, second.RaidId);
        Assert.Equal(3u, second.Viewers);
    }

    [Theory]
    [InlineData("nowhere", "", "home", "unknown_stream", StatusCode.NotFound)]
    [InlineData("", "", "home", "unknown_stream", StatusCode.NotFound)]
    [InlineData("home", "", "other", "not_your_stream", StatusCode.PermissionDenied)]
    [InlineData("home", "nowhere", "home", "unknown_raid_target", StatusCode.NotFound)]
    [InlineData("home", "home", "home", "raid_to_itself", StatusCode.InvalidArgument)]
    [InlineData("home", "twin", "home", "raid_to_itself", StatusCode.InvalidArgument)]
    public async Task Bad_input_is_refused_with_its_reason_and_changes_nothing(string stream, string target, string caller, string reason, StatusCode status)
    {
        await Host.AddStreamAsync("other");
        await Host.AddStreamAsync("twin", channel: "channel-home");
        var before = await Host.Client.ListStreamsAsync(new ListStreamsRequest());
        var failure = await Assert.ThrowsAsync<RpcException>(() => EndAsync(stream, target, $"account-{caller}"));
        Assert.Equal((reason, status), (Fault.ReasonOf(failure), failure.StatusCode));
        await AssertNothingChangedAsync(before);
    }

    [Theory]
    [InlineData(64, 1)]
    [InlineData(65, 0)]
    public async Task A_target_that_is_too_long_for_an_id_is_not_even_looked_for(int length, int lookups)
    {
        var target = new string('x', length);
        var failure = await Assert.ThrowsAsync<RpcException>(() => EndAsync("home", target));
        Assert.Equal("unknown_raid_target", Fault.ReasonOf(failure));
        Assert.Equal(lookups, Host.Topology.Asked.Count(asked => asked == target));
    }

    [Fact]
    public async Task Without_a_token_nothing_is_ended()
    {
        var before = await Host.Client.ListStreamsAsync(new ListStreamsRequest());
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await Host.Client.EndStreamAsync(new EndStreamRequest { StreamId = "home" }));
        Assert.Equal(("missing_token", StatusCode.Unauthenticated), (Fault.ReasonOf(failure), failure.StatusCode));
        await AssertNothingChangedAsync(before);
    }

    [Fact]
    public async Task The_former_outcome_is_not_told_to_others()
    {
        await EndAsync("home", "none");
        var failure = await Assert.ThrowsAsync<RpcException>(() => EndAsync("home", "", "account-other"));
        Assert.Equal("unknown_stream", Fault.ReasonOf(failure));
    }

    [Fact]
    public async Task When_Topology_cannot_be_reached_the_caller_is_told_to_try_again()
    {
        Host.Topology.Failures = int.MaxValue;
        var failure = await Assert.ThrowsAsync<RpcException>(() => EndAsync("home", ""));
        Assert.Equal(("service_unavailable", StatusCode.Unavailable), (Fault.ReasonOf(failure), failure.StatusCode));
        Assert.Empty(Host.Topology.Ended);
    }

    [Fact]
    public async Task A_Topology_that_does_not_answer_in_time_fails_the_call_and_the_raid_is_taken_up_again()
    {
        await using var host = await RaidsHost.StartAsync(garnet, Seed, null, ("Beacon:Raids:EndTimeoutSeconds", "1"));
        await host.AddStreamAsync("home", viewers: 12);
        await host.AddStreamAsync("there");
        host.Topology.HoldEnd = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var request = new EndStreamRequest { StreamId = "home" };
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.EndStreamAsync(request, RaidsHost.As("account-home")));
        Assert.Equal(("service_unavailable", StatusCode.Unavailable), (Fault.ReasonOf(failure), failure.StatusCode));
        var raid = await host.Probe.NextAsync();
        host.Topology.HoldEnd = null;
        Assert.Equal(raid.RaidId, (await host.Client.EndStreamAsync(request, RaidsHost.As("account-home"))).RaidId);
        Assert.Single(host.Probe.Seen);
    }

    private async Task<EndStreamResponse> EndAsync(string stream, string target, string account = "account-home") =>
        await Host.Client.EndStreamAsync(new EndStreamRequest { StreamId = stream, RaidTarget = target }, RaidsHost.As(account));

    private async Task AssertNothingChangedAsync(ListStreamsResponse before)
    {
        Assert.Equal(before, await Host.Client.ListStreamsAsync(new ListStreamsRequest()));
        Assert.Empty(Host.Topology.Ended);
        Assert.Empty(Host.Probe.Seen);
        Assert.False(await garnet.Redis.GetDatabase().KeyExistsAsync(DirectoryKeys.RaidOf("home")));
    }
}
