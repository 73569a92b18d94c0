namespace Beacon.Cli.Tests;

/// <summary>What an operator sees of streams, raids and the edge, on a real server.</summary>
public sealed class StreamCommandTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task A_live_stream_is_listed_its_tree_drawn_and_a_place_explained()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(fixture.Server, await fixture.Rest.GuestAsync("Host"), "Knitting [live]", maxChildren: 1);
        await using var relay = await SyntheticPeer.WatchAsync(fixture.Server, await fixture.Rest.GuestAsync("Relay"), root.StreamId);
        Assert.Equal(root.PeerId, (await relay.ParentAsync()).ParentPeerId);
        await using var leaf = await SyntheticPeer.WatchAsync(fixture.Server, await fixture.Rest.GuestAsync("Leaf"), root.StreamId, uplinkMbps: 0);
        Assert.Equal(relay.PeerId, (await leaf.ParentAsync()).ParentPeerId);

        var listed = await ListedAsync("Knitting", root.StreamId);
        // A title is text, also when it looks like markup.
        Assert.Contains("Knitting [live]", listed.Text, StringComparison.Ordinal);
        Assert.Empty((await fixture.Anybody.RunAsync("streams", "--search", "no such title", "--json")).Document.GetProperty("streams").EnumerateArray());

        var tree = (await fixture.Anybody.RunAsync("tree", root.StreamId)).Text.Split('\n');
        Assert.Contains($"● {root.PeerId} 1/1 slots", tree[0], StringComparison.Ordinal);
        Assert.StartsWith($"└── ● {relay.PeerId} 1/", tree[1], StringComparison.Ordinal);
        Assert.StartsWith($"    └── ● {leaf.PeerId} 0/0", tree[2], StringComparison.Ordinal);
        Assert.Contains("3 peers shown; mean depth 1.5 (ideal 1.5)", tree[3], StringComparison.Ordinal);
        var cut = (await fixture.Anybody.RunAsync("tree", root.StreamId, "--max", "2")).Text;
        Assert.Contains("… 1 more", cut, StringComparison.Ordinal);
        Assert.Equal(3, (await fixture.Anybody.RunAsync("tree", root.StreamId, "--json")).Document.GetProperty("peers").GetArrayLength());

        var why = await fixture.Anybody.RunAsync("explain", root.StreamId, leaf.PeerId);
        Assert.Contains($"{leaf.PeerId} stands below {relay.PeerId}, depth 2: joined", why.Text, StringComparison.Ordinal);
        Assert.Contains("chosen", why.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unknown_stream", "tree", "00000000-0000-0000-0000-000000000000")]
    [InlineData("unknown_stream", "explain", "00000000-0000-0000-0000-000000000000", "nobody")]
    [InlineData("missing_token", "wallet")]
    [InlineData("missing_token", "raid", "start", "here", "there")]
    [InlineData("missing_token", "drain")]
    public async Task A_refusal_has_its_reason_and_exit_code(string reason, params string[] arguments)
    {
        var json = await fixture.Anybody.RunAsync([.. arguments, "--json"]);
        Assert.Equal((1, reason), (json.ExitCode, json.Reason));
        Assert.Empty(json.Text);
        var text = await fixture.Anybody.RunAsync(arguments);
        Assert.Equal(1, text.ExitCode);
        Assert.StartsWith(reason, text.Text, StringComparison.Ordinal);
        Assert.Empty(text.Json);
    }

    [Fact]
    public async Task What_is_asked_wrongly_ends_with_2()
    {
        Assert.Equal(2, (await fixture.Anybody.RunAsync("streams", "--max", "0")).ExitCode);
        Assert.Equal(2, (await fixture.Anybody.RunAsync("tree")).ExitCode);
        Assert.Equal(2, (await fixture.Anybody.RunAsync("no-such-command")).ExitCode);
        Assert.Equal(2, (await fixture.Anybody.RunAsync("streams", "--url", "127.0.0.1")).ExitCode);
    }

    [Fact]
    public async Task Who_cannot_be_reached_is_named()
    {
        var port = Ports.Free();
        var outcome = await fixture.Anybody.RunAsync("streams", "--url", $"http://127.0.0.1:{port}", "--json");
        Assert.Equal((1, "unreachable"), (outcome.ExitCode, outcome.Reason));
        Assert.Contains($"127.0.0.1:{port}", outcome.Json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broadcaster_raids_from_the_terminal_and_calls_it_off()
    {
        var host = await fixture.Rest.GuestAsync("Raider");
        await using var home = await SyntheticPeer.BroadcastAsync(fixture.Server, host, "Home");
        await using var away = await SyntheticPeer.BroadcastAsync(fixture.Server, await fixture.Rest.GuestAsync("Raided"), "Away");
        var terminal = fixture.As(host);

        var started = await terminal.RunAsync("raid", "start", home.StreamId, away.StreamId, "--countdown", "120", "--json");
        Assert.Equal((0, "RAID_PHASE_COUNTDOWN"), (started.ExitCode, Phase(started)));
        var raidId = started.Document.GetProperty("raid").GetProperty("raidId").GetString()!;
        Assert.Equal("RAID_PHASE_CANCELLED", Phase(await terminal.RunAsync("raid", "cancel", raidId, "--json")));
        Assert.Equal("RAID_PHASE_CANCELLED", Phase(await fixture.Anybody.RunAsync("raid", "show", raidId, "--json")));
        Assert.Contains("cancelled_by_raider", (await fixture.Anybody.RunAsync("raid", "list", host.Channel)).Text, StringComparison.Ordinal);

        static string Phase(Outcome outcome) => outcome.Document.GetProperty("raid").GetProperty("phase").GetString()!;
    }

    /// <summary>The list once the directory has heard of the stream.</summary>
    private async Task<Outcome> ListedAsync(string query, string streamId)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        Outcome listed;
        var rounds = 0;
        do
        {
            await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            listed = await fixture.Anybody.RunAsync("streams", "--search", query);
        }
        while (!listed.Text.Contains(streamId, StringComparison.Ordinal) && ++rounds < 400);
        Assert.Contains(streamId, listed.Text, StringComparison.Ordinal);
        return listed;
    }
}
