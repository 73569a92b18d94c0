using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Beacon.Contracts.Events;
using Beacon.Contracts.Raids.V1;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace Beacon.Raids.Tests;

public sealed class ListStreamsTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>, IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public async ValueTask InitializeAsync() => await garnet.ClearAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Anybody_may_page_through_the_streams()
    {
        await using var host = await RaidsHost.StartAsync(garnet, seed: 1);
        for (var index = 0; index < 5; index++)
            await host.AddStreamAsync($"s{index}", viewers: index);
        var first = await host.Client.ListStreamsAsync(new ListStreamsRequest { PageSize = 3 });
        var second = await host.Client.ListStreamsAsync(new ListStreamsRequest { PageSize = 3, PageToken = first.NextPageToken });
        Assert.Equal(["s4", "s3", "s2"], first.Streams.Select(stream => stream.StreamId));
        Assert.Equal(["s1", "s0"], second.Streams.Select(stream => stream.StreamId));
        Assert.Equal("", second.NextPageToken);
    }

    [Theory]
    [InlineData(200, null)]
    [InlineData(201, "invalid_page_size")]
    public async Task The_page_size_has_a_limit(int size, string? reason)
    {
        await using var host = await RaidsHost.StartAsync(garnet, seed: 1);
        Assert.Equal(reason, await ReasonAsync(host, new ListStreamsRequest { PageSize = (uint)size }));
    }

    [Theory]
    [InlineData("!")]
    [InlineData("bm9uc2Vuc2U")]
    [InlineData("OTk5OTk5OTo")]
    public async Task A_page_token_of_another_make_is_refused(string token)
    {
        await using var host = await RaidsHost.StartAsync(garnet, seed: 1);
        Assert.Equal("invalid_page_token", await ReasonAsync(host, new ListStreamsRequest { PageToken = token }));
        Assert.Equal("invalid_page_token", await ReasonAsync(host, new ListStreamsRequest { PageToken = new string('A', 4_000) }));
    }

    [Fact]
    public async Task The_bus_feeds_the_directory()
    {
        await using var host = await RaidsHost.StartAsync(garnet, seed: 1);
        var started = new StreamStarted("s", "channel", "Title", "account", 2_500, Noon);
        await host.PublishAsync(started);
        await host.PublishAsync(new StreamAudienceChanged("s", 9, 4));
        await host.PublishAsync(started);
        var stream = Assert.Single((await host.Client.ListStreamsAsync(new ListStreamsRequest())).Streams);
        Assert.Equal((9u, 4u, "channel", "Title", "account"), (stream.Viewers, stream.SpareSlots, stream.Channel, stream.Title, stream.BroadcasterAccountId));
        Assert.Equal(Noon, stream.StartedAt.ToDateTimeOffset());
        await host.PublishAsync(new StreamEnded("s", "channel", "account", "ended", []));
        await host.PublishAsync(started);
        await host.PublishAsync(new StreamAudienceChanged("s", 9, 4));
        Assert.Empty((await host.Client.ListStreamsAsync(new ListStreamsRequest())).Streams);
    }

    [Fact]
    public async Task At_start_the_directory_is_rebuilt_as_soon_as_Topology_answers()
    {
        var topology = await FakeTopology.StartAsync();
        topology.Failures = 2;
        topology.Add("live", viewers: 7);
        await using (var before = await RaidsHost.StartAsync(garnet, seed: 1))
            await before.AddStreamAsync("ghost");
        await using var host = await RaidsHost.StartAsync(garnet, seed: 1, topology, ("Beacon:Raids:RebuildRetryMs", "100"));
        Assert.Equal([("live", 7u)], await host.ListedAsync(streams => streams is [{ StreamId: "live" }]));
    }

    [Fact]
    public async Task A_start_and_an_end_that_nobody_was_told_of_are_found_when_the_directory_is_compared_again()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var host = await RaidsHost.StartAsync(garnet, seed: 1, topology: null, clock, ("Beacon:Raids:DirectoryCompareSeconds", "300"));
        await host.AddStreamAsync("ended", viewers: 3);
        host.Topology.Live.TryRemove("ended", out _);
        host.Topology.Add("started", viewers: 7);
        Assert.Equal([("started", 7u)], await host.ListedAsync(streams =>
        {
            // The deadlines of calls are reckoned by this clock, too: it may not run ahead of the machine's by much at once.
            clock.Advance(TimeSpan.FromSeconds(3));
            return streams is [{ StreamId: "started" }];
        }));
    }

    [Fact]
    public async Task Rest_speaks_the_same_and_carries_the_same_reasons()
    {
        await using var host = await RaidsHost.StartAsync(garnet, seed: 1);
        await host.AddStreamAsync("home", viewers: 2);
        using var list = JsonDocument.Parse(await host.Http.GetStringAsync("/api/streams?pageSize=1", TestContext.Current.CancellationToken));
        Assert.Equal("home", list.RootElement.GetProperty("streams")[0].GetProperty("streamId").GetString());

        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/streams/home/end") { Content = JsonContent.Create(new { raidTarget = "home" }) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", RaidsHost.Token("account-home"));
        using var refused = await host.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        using var error = JsonDocument.Parse(await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("raid_to_itself", error.RootElement.GetProperty("details")[0].GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Options_out_of_range_stop_the_start_with_every_error_at_once()
    {
        var failure = await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => RaidsHost.StartAsync(
            garnet, 1, null, ("Beacon:Raids:EndTimeoutSeconds", "31"), ("Beacon:Raids:CandidatePoolSize", "0")));
        Assert.Equal(2, failure.Failures.Count());
    }

    private static async Task<string?> ReasonAsync(RaidsHost host, ListStreamsRequest request)
    {
        try
        {
            await host.Client.ListStreamsAsync(request);
            return null;
        }
        catch (RpcException exception)
        {
            return Fault.ReasonOf(exception);
        }
    }
}
