using Beacon.Contracts.Events;
using Beacon.Contracts.Raids.V1;
using Beacon.Raids.Life;
using Beacon.Raids.Raid;
using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Raids.Tests;

/// <summary>Raids with a countdown, under a clock that the test moves.</summary>
public sealed class RaidLifeTests(GarnetFixture garnet, ITestOutputHelper output) : RaidTests(garnet, output), IClassFixture<GarnetFixture>
{
    [Fact]
    public async Task A_raid_is_announced_counts_down_and_moves_the_audience_once()
    {
        await Host.AddStreamAsync("there");
        var raid = await RaidAsync("home", "there");
        var announced = await Host.Probe.NextAnnouncedAsync();
        Assert.Equal((RaidPhase.Countdown, 12u, "there"), (raid.Phase, raid.Viewers, raid.Targets.Single().StreamId));
        Assert.Equal(new RaidAnnounced(raid.RaidId, "home", "there", "channel-there", "Title of there", 12, announced.MovesAt), announced);
        Assert.Equal(90, (raid.MovesAt.ToDateTimeOffset() - raid.ProposedAt.ToDateTimeOffset()).TotalSeconds);

        Clock.Advance(TimeSpan.FromSeconds(88));
        await PassAsync(TimeSpan.FromSeconds(1));
        Assert.Empty(Host.Probe.Seen);
        var done = await FinalAsync(raid.RaidId);

        Assert.Equal((RaidPhase.Done, 12u, 12u), (done.Phase, done.Viewers, done.Targets.Single().Viewers));
        Assert.Equal(raid.RaidId, (await Host.Probe.NextAsync()).RaidId);
        Assert.Single(Host.Probe.Seen);
        Assert.Equal("home", Assert.Single(Host.Topology.Ended).StreamId);
    }

    [Fact]
    public async Task A_raid_can_be_cancelled_until_it_moves_and_the_stream_goes_on()
    {
        await Host.AddStreamAsync("there");
        var raid = await RaidAsync("home", "there");
        var cancelled = await CancelAsync(raid.RaidId);
        Assert.Equal((RaidPhase.Cancelled, "cancelled_by_raider"), (cancelled.Phase, cancelled.Reason));
        Assert.Equal(new RaidCancelled(raid.RaidId, "home", "cancelled_by_raider"), await Host.Probe.NextCancelledAsync());
        Assert.Equal(cancelled, await CancelAsync(raid.RaidId));

        Clock.Advance(TimeSpan.FromSeconds(90));
        await PassAsync(TimeSpan.FromSeconds(2));
        Assert.Empty(Host.Probe.Seen);
        Assert.Empty(Host.Topology.Ended);

        // Nothing stands in the way of another one.
        Assert.Equal(RaidPhase.Countdown, (await RaidAsync("home", "there")).Phase);
    }

    [Fact]
    public async Task A_raid_that_is_over_cannot_be_cancelled()
    {
        await Host.AddStreamAsync("there");
        var raid = await RaidAsync("home", "there", countdown: 0);
        Assert.Equal(RaidPhase.Done, raid.Phase);
        Assert.Equal("raid_already_moving", await ReasonAsync(() => CancelAsync(raid.RaidId)));
    }

    [Fact]
    public async Task An_end_during_the_countdown_moves_at_once_and_an_end_without_a_raid_cancels_it()
    {
        await Host.AddStreamAsync("there");
        var raid = await RaidAsync("home", "there");
        Assert.Equal(raid.RaidId, (await EndAsync("home", "")).RaidId);
        Assert.Equal(raid.RaidId, (await Host.Probe.NextAsync()).RaidId);

        await Host.AddStreamAsync("other", viewers: 4);
        var second = await RaidAsync("other", "there");
        Assert.Equal(RaidPhase.Cancelled, (await EndAsync("other", "none")).Phase);
        Assert.Equal(RaidPhase.Cancelled, (await GetAsync(second.RaidId)).Phase);
        Assert.Single(Host.Probe.Seen);
        Assert.Equal(["home", "other"], Host.Topology.Ended.Select(ended => ended.StreamId));
    }

    [Fact]
    public async Task An_end_with_a_countdown_is_a_raid_like_any_other()
    {
        await Host.AddStreamAsync("there");
        var answer = await Host.Client.EndStreamAsync(
            new Contracts.Raids.V1.EndStreamRequest { StreamId = "home", RaidTarget = "there", CountdownSeconds = 30 }, RaidsHost.As("account-home"));
        Assert.Equal((RaidPhase.Countdown, "there"), (answer.Phase, answer.TargetStreamId));
        Assert.Empty(Host.Topology.Ended);
        Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(RaidPhase.Done, (await FinalAsync(answer.RaidId)).Phase);
    }

    [Fact]
    public async Task When_the_target_ends_during_the_countdown_the_audience_hears_of_the_next_one_and_goes_there()
    {
        await Host.AddStreamAsync("there");
        await Host.AddStreamAsync("next");
        var raid = await RaidAsync("home", "there");
        Assert.Equal("there", (await Host.Probe.NextAnnouncedAsync()).TargetStreamId);
        Host.Topology.Live.TryRemove("there", out _);
        Clock.Advance(TimeSpan.FromSeconds(6));
        var again = await UntilAsync(Host.Probe.NextAnnouncedAsync().AsTask());
        Assert.Equal((raid.RaidId, "next"), (again.RaidId, again.TargetStreamId));
        Assert.Empty(Host.Probe.Seen);
        // The step that told it comes to its end before time leaps.
        await PassAsync(TimeSpan.FromSeconds(1));
        Clock.Advance(TimeSpan.FromSeconds(84));
        Assert.Equal("next", (await FinalAsync(raid.RaidId)).Targets.Single().StreamId);
        Assert.Equal("next", (await Host.Probe.NextAsync()).TargetStreamId);
    }

    [Fact]
    public async Task When_no_target_is_left_a_raid_fails_and_its_stream_goes_on()
    {
        await Host.AddStreamAsync("there");
        var raid = await RaidAsync("home", "there");
        Host.Topology.Live.TryRemove("there", out _);
        Clock.Advance(TimeSpan.FromSeconds(90));
        var failed = await FinalAsync(raid.RaidId);
        Assert.Equal((RaidPhase.Failed, "no_target"), (failed.Phase, failed.Reason));
        Assert.Equal("no_target", (await Host.Probe.NextCancelledAsync()).Reason);
        Assert.Empty(Host.Topology.Ended);
    }

    [Fact]
    public async Task A_target_that_withdraws_its_consent_during_the_countdown_is_not_raided()
    {
        await Host.AddStreamAsync("there");
        var raid = await RaidAsync("home", "there");
        await Host.Get<Channels.SettingsStore>().SetAsync("channel-there", new ChannelRules { Accepts = Raid.RaidConsent.None });
        Clock.Advance(TimeSpan.FromSeconds(90));
        Assert.Equal((RaidPhase.Failed, "no_target"), (await FinalAsync(raid.RaidId)) is var failed ? (failed.Phase, failed.Reason) : default);
        Assert.Empty(Host.Probe.Seen);
    }

    [Fact]
    public async Task Of_two_streams_that_raid_each_other_the_second_is_told_that_the_first_leaves()
    {
        await Host.AddStreamAsync("there", viewers: 3);
        await RaidAsync("home", "there");
        Assert.Equal("raid_target_leaving", await ReasonAsync(() => RaidAsync("there", "home")));
        Assert.Equal("no_raid_target", await ReasonAsync(() => RaidAsync("there", "")));
    }

    [Fact]
    public async Task Two_streams_whose_raids_on_each_other_were_recorded_at_once_never_both_move_into_nothing()
    {
        await Host.AddStreamAsync("there", viewers: 3);
        var (one, two) = (Record("home", "there", 12), Record("there", "home", 3));
        foreach (var raid in new[] { one, two })
            Assert.Equal(Proposal.Recorded, await Host.Get<RaidStore>().ProposeAsync(raid, null, raid.ProposedAt, isCounted: true));
        var (first, second) = (await FinalAsync(one.RaidId), await FinalAsync(two.RaidId));
        Assert.DoesNotContain(RaidPhase.Done, new[] { first.Phase, second.Phase });
        Assert.Empty(Host.Topology.Ended);
    }

    [Fact]
    public async Task A_raid_that_moves_away_during_our_countdown_is_no_target_any_more()
    {
        await Host.AddStreamAsync("there", viewers: 3);
        await Host.AddStreamAsync("third");
        var ours = await RaidAsync("home", "there");
        await RaidAsync("there", "third", countdown: 300);
        Clock.Advance(TimeSpan.FromSeconds(90));
        Assert.Equal("third", (await FinalAsync(ours.RaidId)).Targets.Single().StreamId);
    }

    [Fact]
    public async Task Ten_raids_of_a_channel_in_ten_minutes_are_allowed_and_the_eleventh_is_not()
    {
        await Host.AddStreamAsync("there");
        for (var index = 0; index < 10; index++)
            await CancelAsync((await RaidAsync("home", "there")).RaidId);
        Assert.Equal("raid_limit_reached", await ReasonAsync(() => RaidAsync("home", "there")));
        Assert.Equal("raid_limit_reached", await ReasonAsync(() => EndAsync("home", "there")));
        Assert.Empty(Host.Topology.Ended);
        Clock.Advance(TimeSpan.FromMinutes(10) + TimeSpan.FromSeconds(1));
        Assert.Equal(RaidPhase.Countdown, (await RaidAsync("home", "there")).Phase);
    }

    [Fact]
    public async Task Who_is_over_the_limit_can_still_end_but_raids_nobody()
    {
        await Host.AddStreamAsync("there");
        for (var index = 0; index < 10; index++)
            await CancelAsync((await RaidAsync("home", "there")).RaidId);
        Assert.Equal("", (await EndAsync("home", "")).RaidId);
        Assert.Single(Host.Topology.Ended);
        Assert.Empty(Host.Probe.Seen);
    }

    [Fact]
    public async Task The_same_pair_cools_down_and_is_not_drawn_meanwhile()
    {
        await Host.AddStreamAsync("there");
        await RaidAsync("home", "there", countdown: 0);
        await Host.AddStreamAsync("home", viewers: 12);
        Assert.Equal("raid_cool_down", await ReasonAsync(() => RaidAsync("home", "there")));
        Assert.Equal("no_raid_target", await ReasonAsync(() => RaidAsync("home", "")));
    }

    [Theory]
    [InlineData(0u, null)]
    [InlineData(300u, null)]
    [InlineData(301u, "invalid_countdown")]
    public async Task The_countdown_has_a_range(uint seconds, string? reason)
    {
        await Host.AddStreamAsync("there");
        Assert.Equal(reason, await ReasonAsync(() => RaidAsync("home", "there", countdown: seconds)));
    }

    [Theory]
    [InlineData("nowhere", "there", "home", "unknown_stream", StatusCode.NotFound)]
    [InlineData("home", "there", "other", "not_your_stream", StatusCode.PermissionDenied)]
    [InlineData("home", "nowhere", "home", "unknown_raid_target", StatusCode.NotFound)]
    [InlineData("home", "home", "home", "raid_to_itself", StatusCode.InvalidArgument)]
    [InlineData("home", "twin", "home", "raid_to_itself", StatusCode.InvalidArgument)]
    [InlineData("home", "closed", "home", "raid_not_accepted", StatusCode.FailedPrecondition)]
    [InlineData("home", "blocking", "home", "raid_not_accepted", StatusCode.FailedPrecondition)]
    [InlineData("home", "following", "home", "raid_not_accepted", StatusCode.FailedPrecondition)]
    [InlineData("home", "large", "home", "raid_audience_out_of_range", StatusCode.FailedPrecondition)]
    [InlineData("home", "small", "home", "raid_audience_out_of_range", StatusCode.FailedPrecondition)]
    public async Task Bad_input_is_refused_with_its_reason_and_changes_nothing(string from, string target, string caller, string reason, StatusCode status)
    {
        await Host.AddStreamAsync("there");
        await Host.AddStreamAsync("twin", channel: "channel-home");
        foreach (var (name, rules) in new (string, ChannelRules)[]
        {
            ("closed", new() { Accepts = Raid.RaidConsent.None }),
            ("blocking", new() { Blocked = ["channel-home"] }),
            ("following", new() { Accepts = Raid.RaidConsent.Followed, Followed = ["channel-there"] }),
            ("large", new() { MinViewers = 13 }),
            ("small", new() { MaxViewers = 11 }),
        })
        {
            await Host.AddStreamAsync(name);
            await Host.Get<Channels.SettingsStore>().SetAsync($"channel-{name}", rules);
        }

        var failure = await Assert.ThrowsAsync<RpcException>(() => RaidAsync(from, target, account: $"account-{caller}"));
        Assert.Equal((reason, status), (Fault.ReasonOf(failure), failure.StatusCode));
        Assert.Null(await Host.Get<RaidStore>().FindOfStreamAsync("home"));
        Assert.Empty(Host.Probe.Announced);
        Assert.Empty(Host.Topology.Ended);
    }

    [Fact]
    public async Task A_second_raid_while_one_runs_is_refused_and_the_first_goes_on()
    {
        await Host.AddStreamAsync("there");
        await Host.AddStreamAsync("other");
        var raid = await RaidAsync("home", "there");
        Assert.Equal("raid_already_running", await ReasonAsync(() => RaidAsync("home", "other")));
        Assert.Equal("raid_already_running", await ReasonAsync(() => EndAsync("home", "other")));
        Assert.Equal((RaidPhase.Countdown, "there"), (await GetAsync(raid.RaidId)) is var same ? (same.Phase, same.Targets.Single().StreamId) : default);
    }

    [Fact]
    public async Task A_raid_of_another_is_not_cancelled_and_an_unknown_one_is_not_found()
    {
        await Host.AddStreamAsync("there");
        var raid = await RaidAsync("home", "there");
        Assert.Equal("not_your_stream", await ReasonAsync(() => CancelAsync(raid.RaidId, "account-there")));
        Assert.Equal("unknown_raid", await ReasonAsync(() => CancelAsync(Guid.NewGuid().ToString())));
        Assert.Equal("unknown_raid", await ReasonAsync(() => CancelAsync("x")));
        Assert.Equal(RaidPhase.Countdown, (await GetAsync(raid.RaidId)).Phase);
    }

    [Theory]
    [InlineData(RaidState.Proposed)]
    [InlineData(RaidState.Countdown)]
    [InlineData(RaidState.Moving)]
    public async Task After_a_crash_in_any_state_another_process_ends_the_raid_once(RaidState state)
    {
        await Host.AddStreamAsync("there");
        var raid = Record("home", "there", 12) with { MovesAt = Clock.GetUtcNow().AddSeconds(3), Owner = "a process that died", LeaseUntil = Clock.GetUtcNow().AddSeconds(5) };
        raid = state switch
        {
            RaidState.Countdown => raid.Announce(),
            RaidState.Moving => raid.Move([new RaidShare(raid.Target!, 12)]),
            _ => raid,
        };
        Assert.Equal(Proposal.Recorded, await Host.Get<RaidStore>().ProposeAsync(raid, null, raid.LeaseUntil, isCounted: true));
        await PassAsync(TimeSpan.FromSeconds(2));
        // The one who holds the lease may be alive.
        Assert.Empty(Host.Probe.Seen);
        Assert.Equal(RaidPhase.Done, (await FinalAsync(raid.RaidId)).Phase);
        await Host.Probe.NextAsync();
        Assert.Single(Host.Probe.Seen);
        Assert.Single(Host.Topology.Ended);
    }

    [Fact]
    public async Task Two_replicas_carry_on_the_same_raids_and_each_moves_once()
    {
        await Host.AddStreamAsync("there", spare: 100);
        var raids = new List<string>();
        for (var index = 0; index < 5; index++)
        {
            await Host.AddStreamAsync($"s{index}", viewers: 1);
            raids.Add((await RaidAsync($"s{index}", "there")).RaidId);
        }

        // Same record, same streams; its calls go to its own Topology.
        var other = await FakeTopology.StartAsync();
        foreach (var stream in Host.Topology.Live.Values)
            other.Live[stream.StreamId] = stream;
        await using var second = await StartAsync(other);
        Clock.Advance(TimeSpan.FromSeconds(90));
        foreach (var raidId in raids)
            Assert.Equal(RaidPhase.Done, (await FinalAsync(raidId)).Phase);
        Assert.Equal(raids.Order(StringComparer.Ordinal), Host.Probe.Seen.Concat(second.Probe.Seen).Select(raid => raid.RaidId).Order(StringComparer.Ordinal));
        Assert.Equal(5, Host.Topology.Ended.Count + other.Ended.Count);
    }

    [Fact]
    public async Task A_target_whose_broadcaster_was_away_for_a_moment_is_one_again_at_once()
    {
        await Host.AddStreamAsync("there");
        Host.Topology.Live["there"].BroadcasterConnected = false;
        await Host.PublishAsync(Away("there", graceSeconds: 30));
        Assert.Equal("raid_target_leaving", await ReasonAsync(() => RaidAsync("home", "there")));
        Assert.Equal("no_raid_target", await ReasonAsync(() => RaidAsync("home", "")));

        Host.Topology.Live["there"].BroadcasterConnected = true;
        Assert.Equal("there", (await RaidAsync("home", "", countdown: 0)).Targets.Single().StreamId);
        Assert.Equal("there", (await Host.Probe.NextAsync()).TargetStreamId);
        Assert.Equal("home", Assert.Single(Host.Topology.Ended).StreamId);
    }

    [Fact]
    public async Task A_step_that_failed_is_taken_again_soon_and_nobody_waits_for_the_lease_of_a_process_that_lives()
    {
        await Host.AddStreamAsync("there");
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Host.Topology.HoldEnd = end;
        var raid = await RaidAsync("home", "there", countdown: 10);
        await UntilAsync(Host.Topology.EndArrived.Task.ContinueWith(_ => true, TaskScheduler.Default));
        Host.Topology.HoldEnd = null;
        var failedAt = Clock.GetUtcNow();
        end.SetException(new RpcException(new Status(StatusCode.Unavailable, "not now")));
        Assert.Equal(RaidPhase.Done, (await FinalAsync(raid.RaidId)).Phase);
        Assert.InRange(Clock.GetUtcNow() - failedAt, TimeSpan.Zero, TimeSpan.FromSeconds(LeaseSeconds - 1));
        Assert.Single(Host.Probe.Seen);
    }

    [Fact]
    public async Task A_writer_that_was_overtaken_is_refused()
    {
        var store = Host.Get<RaidStore>();
        var raid = Record("home", "there", 12);
        await store.ProposeAsync(raid, null, raid.MovesAt, isCounted: true);
        Assert.NotNull(await store.SaveAsync(raid, raid with { Owner = "one" }, raid.MovesAt));
        Assert.Null(await store.SaveAsync(raid, raid with { Owner = "two" }, raid.MovesAt));
        Assert.Equal("one", (await store.FindAsync(raid.RaidId))!.Owner);
        Assert.Equal(Proposal.Overtaken, await store.ProposeAsync(Record("home", "there", 12), null, raid.MovesAt, isCounted: true));
    }

    [Fact]
    public async Task Fifty_channels_that_end_at_once_each_end_once_and_raid_nobody_who_leaves()
    {
        for (var index = 0; index < 50; index++)
            await Host.AddStreamAsync($"s{index}", viewers: 2);
        for (var index = 0; index < 3; index++)
            await Host.AddStreamAsync($"stays{index}", spare: 500);
        var answers = await UntilAsync(Task.WhenAll(Enumerable.Range(0, 50).Select(index => EndAsync($"s{index}", "", $"account-s{index}"))));
        Assert.Equal(50, Host.Topology.Ended.Select(ended => ended.StreamId).Distinct().Count());
        Assert.Equal(50, Host.Topology.Ended.Count);
        Assert.All(answers, answer => Assert.Equal(RaidPhase.Done, answer.Phase));
        Assert.Equal(50, answers.Select(answer => answer.RaidId).Distinct().Count());
    }

    [Fact]
    public async Task The_audience_of_a_lost_broadcaster_is_sent_on_before_its_grace_is_over()
    {
        await Host.AddStreamAsync("there");
        var lost = Away("home", graceSeconds: 30);
        await Host.PublishAsync(lost);
        await Host.PublishAsync(lost);
        Host.Topology.Live["home"].BroadcasterConnected = false;
        await PassAsync(TimeSpan.FromSeconds(2));
        Assert.Empty(Host.Probe.Seen);
        Clock.Advance(TimeSpan.FromSeconds(25));
        var raid = await UntilAsync(Host.Probe.NextAsync().AsTask());
        Assert.Equal(("there", 12), (raid.TargetStreamId, raid.Viewers));
        Assert.True(raid.LaunchedAt < lost.EndsAt, $"told at {raid.LaunchedAt}, the end is at {lost.EndsAt}");
        await FinalAsync(raid.RaidId);
        Assert.Equal(("home", "broadcaster_lost"), Assert.Single(Host.Topology.Ended) is var ended ? (ended.StreamId, ended.Reason) : default);
    }

    [Fact]
    public async Task A_broadcaster_who_comes_back_in_time_keeps_the_audience()
    {
        await Host.AddStreamAsync("there");
        await Host.PublishAsync(Away("home", graceSeconds: 30));
        Clock.Advance(TimeSpan.FromSeconds(28));
        await PassAsync(TimeSpan.FromSeconds(2));
        Assert.Empty(Host.Probe.Seen);
        Assert.Empty(Host.Topology.Ended);
        Assert.Empty((await Host.Client.ListRaidsAsync(new ListRaidsRequest { Channel = "channel-home" })).Raids);
        Assert.Equal(RaidPhase.Countdown, (await RaidAsync("home", "there")).Phase);
    }

    [Fact]
    public async Task A_large_audience_moves_no_faster_than_the_join_budget_of_its_target()
    {
        await Host.AddStreamAsync("there", spare: 5_000);
        Host.Topology.Add("home", viewers: 1_000);
        Host.Topology.Trees["home"] = Tree("home", 1_000);
        var began = Clock.GetUtcNow();
        var raid = RaidAsync("home", "there", countdown: 0);
        Assert.Equal(RaidPhase.Done, (await UntilAsync(raid)).Phase);
        // 1,000 viewers at 250 a batch and 2,500 a second, then the rest.
        var told = Host.Probe.Seen.ToList();
        Assert.Equal([250, 250, 250, 250, 0], told.Select(batch => batch.PeerIds.Count));
        Assert.Equal(1_000, told.SelectMany(batch => batch.PeerIds).Distinct().Count());
        for (var index = 0; index < 4; index++)
            Assert.True(told[index].LaunchedAt - began >= TimeSpan.FromMilliseconds(100 * index), $"batch {index} came after {told[index].LaunchedAt - began}");
    }

    [Fact]
    public async Task An_audience_too_large_for_one_target_is_split_over_the_largest_others()
    {
        await Host.AddStreamAsync("there", spare: 10);
        await Host.AddStreamAsync("small", spare: 5);
        await Host.AddStreamAsync("large", spare: 50);
        Host.Topology.Add("home", viewers: 40);
        // Phones: they bring nothing.
        Host.Topology.Trees["home"] = Tree("home", 40, uplinkMbps: 0);
        var raid = await UntilAsync(RaidAsync("home", "there", countdown: 0));
        // Whole subtrees: seven fill the ten slots best.
        Assert.Equal([("there", 7u), ("large", 33u)], raid.Targets.Select(target => (target.StreamId, target.Viewers)).ToArray());
        var told = Host.Probe.Seen.GroupBy(batch => batch.TargetStreamId).ToDictionary(group => group.Key, group => group.Sum(batch => batch.PeerIds.Count));
        Assert.Equal((7, 33), (told["there"], told["large"]));
    }

    [Fact]
    public async Task The_draw_is_committed_to_before_and_proven_after()
    {
        await Host.PublishAsync(new StreamStarted("home", "channel-home", "Title", "account-home", 2_500, Clock.GetUtcNow()));
        for (var index = 0; index < 5; index++)
            await Host.AddStreamAsync($"s{index}", viewers: index * 10);
        var promised = (await Host.Client.ListRaidsAsync(new ListRaidsRequest { Channel = "channel-home" })).NextDrawCommitment;
        var raid = await RaidAsync("home", "");
        Assert.Equal((promised, ""), (raid.DrawCommitment, raid.DrawSeed));
        await CancelAsync(raid.RaidId);

        var told = await Host.Client.GetRaidAsync(new GetRaidRequest { RaidId = raid.RaidId });
        Assert.Equal(promised, DrawProof.Commitment(told.Raid.DrawSeed));
        var draw = Assert.Single(told.Draws);
        Assert.Equal(5, draw.Candidates.Count);
        Assert.True(DrawProof.IsTrue(
            new TargetDraw(
                [.. draw.Candidates.Select(candidate => new WeightedTarget(candidate.StreamId, candidate.Weight))],
                [.. draw.Steps.Select(step => new DrawStep((int)step.Index, step.StreamId, step.Verdict))]),
            told.Raid.DrawSeed));
        Assert.Equal((raid.Targets.Single().StreamId, "taken"), (draw.Steps[^1].StreamId, draw.Steps[^1].Verdict));
        Assert.NotEqual(promised, (await Host.Client.ListRaidsAsync(new ListRaidsRequest { Channel = "channel-home" })).NextDrawCommitment);
    }

    [Fact]
    public async Task Every_commitment_that_was_published_is_that_of_the_next_raid_in_the_history_whatever_was_refused_between()
    {
        await Host.PublishAsync(new StreamStarted("home", "channel-home", "Title", "account-home", 2_500, Clock.GetUtcNow()));
        await Host.AddStreamAsync("there");
        var first = await PromiseAsync();
        // Refused: nobody accepts, and two at once.
        await Host.Get<Channels.SettingsStore>().SetAsync("channel-there", new ChannelRules { Accepts = Raid.RaidConsent.None });
        Assert.Equal("no_raid_target", await ReasonAsync(() => RaidAsync("home", "")));
        await Host.Get<Channels.SettingsStore>().SetAsync("channel-there", new ChannelRules());
        var attempts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ReasonAsync(() => RaidAsync("home", ""))));
        Assert.Single(attempts, reason => reason is null);
        Assert.All(attempts, reason => Assert.True(reason is null or "raid_already_running", reason));
        var one = Assert.Single(await ListAsync("channel-home"));
        Assert.Equal(first, one.DrawCommitment);
        await CancelAsync(one.RaidId);

        // A lost broadcaster who comes back leaves no trace.
        var second = await PromiseAsync();
        Assert.NotEqual(first, second);
        await Host.PublishAsync(Away("home", graceSeconds: 30));
        Clock.Advance(TimeSpan.FromSeconds(28));
        await PassAsync(TimeSpan.FromSeconds(2));
        Assert.Equal(second, await PromiseAsync());
        await Host.PublishAsync(Away("home", graceSeconds: 30));
        Host.Topology.Live["home"].BroadcasterConnected = false;
        Clock.Advance(TimeSpan.FromSeconds(28));
        await UntilAsync(Host.Probe.NextAsync().AsTask());
        Assert.Equal([second, first], (await ListAsync("channel-home")).Select(raid => raid.DrawCommitment));
        Assert.NotEqual(second, await PromiseAsync());

        async Task<string> PromiseAsync() => (await Host.Client.ListRaidsAsync(new ListRaidsRequest { Channel = "channel-home" })).NextDrawCommitment;
    }

    [Fact]
    public async Task The_history_of_both_channels_has_the_raid_newest_first_and_in_pages()
    {
        await Host.AddStreamAsync("there");
        await Host.AddStreamAsync("other");
        var first = await RaidAsync("home", "there", countdown: 0);
        Clock.Advance(TimeSpan.FromSeconds(1));
        await Host.AddStreamAsync("home", viewers: 3);
        var second = await RaidAsync("home", "other", countdown: 0);
        Assert.Equal([second.RaidId, first.RaidId], (await ListAsync("channel-home")).Select(raid => raid.RaidId));
        Assert.Equal([first.RaidId], (await ListAsync("channel-there")).Select(raid => raid.RaidId));
        var page = await Host.Client.ListRaidsAsync(new ListRaidsRequest { Channel = "channel-home", PageSize = 1 });
        var rest = await Host.Client.ListRaidsAsync(new ListRaidsRequest { Channel = "channel-home", PageSize = 1, PageToken = page.NextPageToken });
        Assert.Equal((second.RaidId, first.RaidId, ""), (page.Raids.Single().RaidId, rest.Raids.Single().RaidId, rest.NextPageToken));
        Assert.Equal("invalid_page_size", await ReasonAsync(async () => await Host.Client.ListRaidsAsync(new ListRaidsRequest { Channel = "c", PageSize = 101 })));
        Assert.Equal("invalid_page_token", await ReasonAsync(async () => await Host.Client.ListRaidsAsync(new ListRaidsRequest { Channel = "c", PageToken = "x" })));
        Assert.Equal("unknown_channel", await ReasonAsync(async () => await Host.Client.ListRaidsAsync(new ListRaidsRequest())));
    }
}
