using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Beacon.Contracts.Events;
using Beacon.Contracts.Raids.V1;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Settings = Beacon.Contracts.Raids.V1.ChannelSettings;

namespace Beacon.Raids.Tests;

public sealed class ChannelTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>, IAsyncLifetime
{
    private RaidsHost? _host;

    private RaidsHost Host => _host!;

    public async ValueTask InitializeAsync()
    {
        await garnet.ClearAsync();
        _host = await RaidsHost.StartAsync(garnet, seed: 5);
    }

    public async ValueTask DisposeAsync() => await Host.DisposeAsync();

    [Fact]
    public async Task A_channel_keeps_what_its_owner_sets_also_over_a_restart()
    {
        var wanted = new Settings
        {
            AcceptsRaids = RaidConsent.Followed,
            MinRaidViewers = 2,
            MaxRaidViewers = 9,
            BlockedChannels = { "bad" },
            FollowedChannels = { "good" },
            Tags = { "Chess", "live-music" },
            Language = "pt-BR",
            AutoHost = AutoHost.List,
            HostChannels = { "friend", "other" },
        };
        var kept = await SetAsync("mine", wanted);
        Assert.Equal(["chess", "live-music"], kept.Tags);
        await using var after = await RaidsHost.StartAsync(garnet, seed: 5);
        var answer = await after.Client.GetChannelSettingsAsync(new GetChannelSettingsRequest { Channel = "mine" }, RaidsHost.As("mine"));
        Assert.Equal(kept, answer.Settings);
        wanted.Tags[0] = "chess";
        Assert.Equal(wanted, answer.Settings);
    }

    [Fact]
    public async Task A_channel_without_settings_accepts_all_and_hosts_nobody()
    {
        var settings = (await Host.Client.GetChannelSettingsAsync(new GetChannelSettingsRequest { Channel = "mine" }, RaidsHost.As("mine"))).Settings;
        Assert.Equal(new Settings { AcceptsRaids = RaidConsent.All, AutoHost = AutoHost.Off }, settings);
    }

    [Fact]
    public async Task Only_the_owner_sees_and_sets_the_settings()
    {
        Assert.Equal("not_your_channel", await ReasonAsync(async () => await Host.Client.GetChannelSettingsAsync(new GetChannelSettingsRequest { Channel = "mine" }, RaidsHost.As("other"))));
        Assert.Equal("not_your_channel", await ReasonAsync(() => SetAsync("mine", new Settings(), "other")));
        Assert.Equal("not_your_channel", await ReasonAsync(() => SetAsync("", new Settings(), "other")));
        Assert.Null(await Host.Get<Channels.SettingsStore>().FindAsync("mine"));
    }

    public static TheoryData<Settings> Bad => new(
        new Settings { MinRaidViewers = 10_000_001 },
        new Settings { MinRaidViewers = 5, MaxRaidViewers = 4 },
        new Settings { Tags = { "a b" } },
        new Settings { Tags = { "" } },
        new Settings { Tags = { new string('a', 33) } },
        new Settings { Tags = { Enumerable.Range(0, 11).Select(index => $"t{index}") } },
        new Settings { Language = "english" },
        new Settings { Language = "e" },
        new Settings { AcceptsRaids = (RaidConsent)9 },
        new Settings { AutoHost = (AutoHost)9 },
        new Settings { BlockedChannels = { Enumerable.Range(0, 501).Select(index => $"c{index}") } },
        new Settings { FollowedChannels = { new string('c', 129) } },
        new Settings { BlockedChannels = { "mine" } },
        new Settings { HostChannels = { Enumerable.Range(0, 21).Select(index => $"c{index}") } });

    [Theory]
    [MemberData(nameof(Bad), DisableDiscoveryEnumeration = true)]
    public async Task Settings_out_of_range_are_refused_and_nothing_is_kept(Settings settings)
    {
        Assert.Equal("invalid_channel_settings", await ReasonAsync(() => SetAsync("mine", settings)));
        Assert.Null(await Host.Get<Channels.SettingsStore>().FindAsync("mine"));
    }

    [Fact]
    public async Task Settings_at_their_limits_are_kept() => Assert.Null(await ReasonAsync(() => SetAsync("mine", new Settings
    {
        MinRaidViewers = 10_000_000,
        MaxRaidViewers = 10_000_000,
        Tags = { Enumerable.Range(0, 10).Select(index => $"{new string('a', 30)}-{index}") },
        Language = "zh-Hant-TW",
        BlockedChannels = { Enumerable.Range(0, 500).Select(index => $"c{index}") },
        FollowedChannels = { new string('c', 128) },
        HostChannels = { Enumerable.Range(0, 20).Select(index => $"c{index}") },
    })));

    [Fact]
    public async Task An_offline_channel_leads_to_the_first_of_its_list_that_is_live()
    {
        await SetAsync("mine", new Settings { AutoHost = AutoHost.List, HostChannels = { "away", "second", "third" } });
        await Host.AddStreamAsync("s3", channel: "third");
        Assert.Equal(("third", "auto_host"), await HostOfAsync("mine"));
        await Host.AddStreamAsync("s2", channel: "second");
        Assert.Equal(("second", "auto_host"), await HostOfAsync("mine"));
        await Host.AddStreamAsync("s1", channel: "mine");
        var live = await Host.Client.GetChannelAsync(new GetChannelRequest { Channel = "mine" });
        Assert.Equal(("s1", null, ""), (live.Live?.StreamId, live.Host, live.HostReason));
    }

    [Fact]
    public async Task The_hosts_of_an_offline_host_are_followed()
    {
        await SetAsync("second", new Settings { AutoHost = AutoHost.List, HostChannels = { "third" } });
        await SetAsync("mine", new Settings { AutoHost = AutoHost.List, HostChannels = { "second" } });
        await Host.AddStreamAsync("s3", channel: "third");
        Assert.Equal(("third", "auto_host"), await HostOfAsync("mine"));
    }

    [Fact]
    public async Task A_random_host_is_one_of_the_list_or_any_live_channel_that_accepts()
    {
        await Host.AddStreamAsync("s1", channel: "listed");
        await Host.AddStreamAsync("s2", channel: "free");
        await Host.AddStreamAsync("s3", channel: "closed");
        await SetAsync("closed", new Settings { AcceptsRaids = RaidConsent.None });
        await SetAsync("mine", new Settings { AutoHost = AutoHost.Random, HostChannels = { "listed", "away" } });
        Assert.Equal(("listed", "auto_host"), await HostOfAsync("mine"));
        await SetAsync("mine", new Settings { AutoHost = AutoHost.Random, BlockedChannels = { "listed" } });
        Assert.Equal(("free", "auto_host"), await HostOfAsync("mine"));
    }

    [Fact]
    public async Task A_loop_of_hosts_is_refused_however_long_it_is()
    {
        Assert.Equal("auto_host_loop", await ReasonAsync(() => SetAsync("a", new Settings { AutoHost = AutoHost.List, HostChannels = { "a" } })));
        await SetAsync("b", new Settings { AutoHost = AutoHost.List, HostChannels = { "c" } });
        await SetAsync("c", new Settings { AutoHost = AutoHost.Random, HostChannels = { "x", "a" } });
        Assert.Equal("auto_host_loop", await ReasonAsync(() => SetAsync("a", new Settings { AutoHost = AutoHost.List, HostChannels = { "b" } })));
        Assert.Null(await Host.Get<Channels.SettingsStore>().FindAsync("a"));
        await SetAsync("c", new Settings { AutoHost = AutoHost.Off, HostChannels = { "a" } });
        Assert.Null(await ReasonAsync(() => SetAsync("a", new Settings { AutoHost = AutoHost.List, HostChannels = { "b" } })));
    }

    [Fact]
    public async Task After_a_raid_the_channel_leads_where_its_audience_went()
    {
        await Host.AddStreamAsync("home", viewers: 2);
        await Host.AddStreamAsync("there");
        await Host.Client.EndStreamAsync(new EndStreamRequest { StreamId = "home", RaidTarget = "there" }, RaidsHost.As("account-home"));
        await Host.PublishAsync(new StreamEnded("home", "channel-home", "account-home", "ended", []));
        Assert.Equal(("channel-there", "raid"), await HostOfAsync("channel-home"));
    }

    [Fact]
    public async Task A_channel_that_nobody_knows_is_not_found()
    {
        Assert.Equal("unknown_channel", await ReasonAsync(async () => await Host.Client.GetChannelAsync(new GetChannelRequest { Channel = "nobody" })));
        Assert.Equal("unknown_channel", await ReasonAsync(async () => await Host.Client.GetChannelAsync(new GetChannelRequest { Channel = new string('c', 129) })));
    }

    [Fact]
    public async Task Settings_describe_the_live_stream_and_the_search_finds_it()
    {
        await Host.AddStreamAsync("s1", channel: "mine");
        await Host.AddStreamAsync("s2", channel: "other");
        await SetAsync("mine", new Settings { Tags = { "chess" }, Language = "pt-BR" });
        Assert.Equal(["s1"], await FoundAsync(new ListStreamsRequest { Tag = "Chess" }));
        Assert.Equal(["s1"], await FoundAsync(new ListStreamsRequest { Language = "pt" }));
        Assert.Empty(await FoundAsync(new ListStreamsRequest { Language = "p" }));
        Assert.Equal(["s2"], await FoundAsync(new ListStreamsRequest { Query = "OF S2" }));
        Assert.Equal(["s2"], await FoundAsync(new ListStreamsRequest { Query = "othe" }));
        Assert.Empty(await FoundAsync(new ListStreamsRequest { SquadAccountId = "nobody" }));
        Assert.Equal("invalid_search", await ReasonAsync(() => FoundAsync(new ListStreamsRequest { Query = new string('q', 101) })));
    }

    [Fact]
    public async Task The_squad_stands_in_the_list_and_finds_the_stream_and_an_older_one_does_not_come_back()
    {
        await Host.AddStreamAsync("home");
        await Host.AddStreamAsync("other");
        await Host.PublishAsync(new SquadChanged(5, "home", 2, ["account-home", "friend"]));
        await Host.PublishAsync(new SquadChanged(4, "home", 1, ["account-home", "former"]));
        await Host.PublishAsync(new SquadChanged(6, "nowhere", 1, ["friend"]));
        var found = await Host.Client.ListStreamsAsync(new ListStreamsRequest { SquadAccountId = "friend" });
        Assert.Equal(["account-home", "friend"], Assert.Single(found.Streams).SquadAccountIds);
        Assert.Empty((await Host.Client.ListStreamsAsync(new ListStreamsRequest { SquadAccountId = "former" })).Streams);
    }

    [Fact]
    public async Task A_search_pages_through_what_fits_alone()
    {
        for (var index = 0; index < 7; index++)
            await Host.AddStreamAsync($"s{index}", viewers: index, channel: index % 2 == 0 ? $"even{index}" : $"odd{index}");
        var first = await Host.Client.ListStreamsAsync(new ListStreamsRequest { Query = "even", PageSize = 3 });
        var second = await Host.Client.ListStreamsAsync(new ListStreamsRequest { Query = "even", PageSize = 3, PageToken = first.NextPageToken });
        Assert.Equal(["s6", "s4", "s2"], first.Streams.Select(stream => stream.StreamId));
        Assert.Equal(["s0"], second.Streams.Select(stream => stream.StreamId));
        Assert.Equal("", second.NextPageToken);
    }

    [Fact]
    public async Task Watchers_hear_what_is_live_and_then_each_change()
    {
        await Host.AddStreamAsync("s1", viewers: 3);
        using var call = Host.Client.WatchStreams(new WatchStreamsRequest { Query = "of s" }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("s1", (await NextAsync(call)).Live.StreamId);
        Assert.True((await NextAsync(call)).Complete);
        await Host.AddStreamAsync("s2", viewers: 5);
        Assert.Equal(("s2", 5u), await NextLiveAsync(call, "s2"));
        await Host.PublishAsync(new StreamAudienceChanged("s2", 6, 1));
        Assert.Equal(("s2", 6u), await NextLiveAsync(call, "s2"));
        await Host.PublishAsync(new StreamEnded("s2", "channel-s2", "account-s2", "ended", []));
        var gone = await NextAsync(call);
        Assert.Equal("s2", gone.GoneStreamId);
    }

    [Fact]
    public async Task Over_rest_the_changes_come_as_one_json_object_a_line()
    {
        await Host.AddStreamAsync("s1", viewers: 3);
        using var response = await Host.Http.GetAsync("/api/streams/live", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        using var first = JsonDocument.Parse((await lines.ReadLineAsync(TestContext.Current.CancellationToken))!);
        using var second = JsonDocument.Parse((await lines.ReadLineAsync(TestContext.Current.CancellationToken))!);
        Assert.Equal("s1", first.RootElement.GetProperty("live").GetProperty("streamId").GetString());
        Assert.True(second.RootElement.GetProperty("complete").GetBoolean());
    }

    [Fact]
    public async Task More_watchers_than_allowed_are_sent_away()
    {
        await using var host = await RaidsHost.StartAsync(garnet, seed: 5, null, ("Beacon:Raids:MaxWatchers", "1"));
        using var first = host.Client.WatchStreams(new WatchStreamsRequest(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.True((await NextAsync(first)).Complete);
        using var second = host.Client.WatchStreams(new WatchStreamsRequest(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("too_many_directory_watchers", Fault.ReasonOf(await Assert.ThrowsAsync<RpcException>(() => NextAsync(second))));
    }

    [Fact]
    public async Task Rest_has_the_settings_as_its_body()
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/api/channels/mine/settings") { Content = JsonContent.Create(new { acceptsRaids = "RAID_CONSENT_NONE", language = "de" }) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", RaidsHost.Token("mine"));
        using var answer = await Host.Http.SendAsync(request, TestContext.Current.CancellationToken);
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("RAID_CONSENT_NONE", body.RootElement.GetProperty("settings").GetProperty("acceptsRaids").GetString());
        Assert.Equal(Raid.RaidConsent.None, (await Host.Get<Channels.SettingsStore>().GetAsync("mine")).Accepts);
    }

    private async Task<Settings> SetAsync(string channel, Settings settings, string? account = null) => (await Host.Client.UpdateChannelSettingsAsync(
        new UpdateChannelSettingsRequest { Channel = channel, Settings = settings }, RaidsHost.As(account ?? channel))).Settings;

    private async Task<(string? Channel, string Reason)> HostOfAsync(string channel)
    {
        var answer = await Host.Client.GetChannelAsync(new GetChannelRequest { Channel = channel });
        return (answer.Host?.Channel, answer.HostReason);
    }

    private async Task<IReadOnlyList<string>> FoundAsync(ListStreamsRequest request) =>
        [.. (await Host.Client.ListStreamsAsync(request)).Streams.Select(stream => stream.StreamId)];

    private static async Task<WatchStreamsResponse> NextAsync(AsyncServerStreamingCall<WatchStreamsResponse> call)
    {
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        return call.ResponseStream.Current;
    }

    /// <summary>The feed tells a new watcher of everything once more, which is the same again.</summary>
    private static async Task<(string, uint)> NextLiveAsync(AsyncServerStreamingCall<WatchStreamsResponse> call, string streamId)
    {
        while (true)
        {
            var change = await NextAsync(call);
            if (change.Live?.StreamId == streamId)
                return (change.Live.StreamId, change.Live.Viewers);
        }
    }

    private static async Task<string?> ReasonAsync<T>(Func<Task<T>> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (RpcException exception)
        {
            return Fault.ReasonOf(exception);
        }
    }
}
