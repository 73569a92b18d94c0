using System.Globalization;
using System.Security.Cryptography;
using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>A trace that a client begins, or is told of, found again with a collector.</summary>
public abstract class TraceScenarios(BeaconFixture beacon) : Scenario(beacon)
{
    [Fact]
    public async Task A_join_and_a_heal_are_one_trace_each_from_the_client_to_the_client()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Host"), maxChildren: 1);
        await using var relay = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Relay"), root.StreamId);
        await relay.ParentAsync();

        // A join: the client says in which trace.
        var traceId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        await using var socket = await FrameSocket.ConnectAsync(Server.WebSocket, (await Rest.GuestAsync("Leaf")).AccessToken);
        var joined = await socket.AskAsync(new ClientFrame
        {
            Traceparent = $"00-{traceId}-00f067aa0ba902b7-01",
            JoinStream = new JoinStream { StreamId = root.StreamId, LatencyMs = 5 },
        });
        Assert.Equal(traceId, TraceOf(joined));
        Assert.Equal(traceId, TraceOf(await socket.WaitAsync(ServerFrame.FrameOneofCase.ParentAssigned)));
        string[] ofJoin = ["join-stream", "stream-join", "stream-commit", "ParentAssigned", "ChildAssigned"];
        await FindAsync(traceId, ofJoin);

        // A heal: the client is told in which trace its parent was lost.
        await relay.DisposeAsync();
        var healed = await socket.WaitAsync(frame => frame.ParentAssigned?.ParentPeerId == root.PeerId, "the root as parent");
        await FindAsync(TraceOf(healed), ["peer-lost", "stream-leave", "stream-commit", "ParentAssigned"]);
    }

    [Fact]
    public async Task A_log_record_carries_its_trace_and_a_metric_gives_it_as_an_example()
    {
        var traceId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var traceparent = $"00-{traceId}-00f067aa0ba902b7-01";
        await using var host = await FrameSocket.ConnectAsync(Server.WebSocket, (await Rest.GuestAsync("Host")).AccessToken);
        var live = (await host.AskAsync(new ClientFrame { Traceparent = traceparent, GoLive = new GoLive { Title = "Traced", BitrateKbps = 800, UplinkMbps = 20 } })).StreamLive;
        await using var viewer = await FrameSocket.ConnectAsync(Server.WebSocket, (await Rest.GuestAsync("Viewer")).AccessToken);
        await viewer.AskAsync(new ClientFrame { Traceparent = traceparent, JoinStream = new JoinStream { StreamId = live.StreamId, LatencyMs = 5 } });
        await viewer.WaitAsync(ServerFrame.FrameOneofCase.ParentAssigned);

        var (log, exemplar) = await Collector.WaitAsync(traceId, $"Stream {live.StreamId} of channel", "beacon.signaling.join.duration");

        Assert.NotNull(log);
        Assert.Equal("s", exemplar?.Unit);
    }

    [Fact]
    public async Task A_tip_is_one_trace_from_the_call_to_the_wallet()
    {
        var host = await Rest.GuestAsync("Host");
        await using var root = await SyntheticPeer.BroadcastAsync(Server, host);
        var giver = await Rest.GuestAsync("Giver");
        var banker = await Rest.GuestAsync("Operator", BeaconServer.OperatorKey);
        Assert.Equal(200, (await Rest.PostAsync("/api/deposits", new { accountId = giver.AccountId, amountMicrocredits = Credit, transferId = Guid.NewGuid() }, banker)).Status);

        Assert.Equal(200, (await Rest.PostAsync("/api/tip", new { streamId = root.StreamId, amountMicrocredits = 1_000, transferId = Guid.NewGuid() }, giver)).Status);

        var told = await root.Socket.WaitAsync(frame => frame.WalletUpdate?.Code == "tip", "the tip in the wallet");
        // The frame names the span of the consumer at the edge.
        await FindAsync(TraceOf(told), ["POST /api/tip", "publish-events"], told.Traceparent.Split('-')[2]);
    }

    private async Task FindAsync(string traceId, string[] names, string? spanId = null)
    {
        // A span is exported when it ends: what hangs from it may be here before it.
        var spans = await Collector.WaitAsync(traceId, spans =>
            names.All(name => spans.Any(span => span.Name == name)) && (spanId is null || spans.Any(span => span.SpanId == spanId)) && Tops(spans).Count <= 1);
        var missing = names.Except(spans.Select(span => span.Name), StringComparer.Ordinal).ToArray();
        Assert.True(missing.Length == 0, string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", missing)} not among {string.Join(", ", spans.Select(span => $"{span.Service}: {span.Name}"))}"));
        if (spanId is not null)
            Assert.Contains(spans, span => span.SpanId == spanId);
        var tops = Tops(spans);
        Assert.True(tops.Count <= 1, string.Join(", ", tops));
        Assert.DoesNotContain(spans, span => span.Service.StartsWith("unknown_service", StringComparison.Ordinal));
    }

    /// <summary>One in a tree: every span but the first hangs from another one, or from the client's.</summary>
    private static List<ReceivedSpan> Tops(IReadOnlyList<ReceivedSpan> spans)
    {
        var known = spans.Select(span => span.SpanId).ToHashSet(StringComparer.Ordinal);
        return [.. spans.Where(span => !known.Contains(span.ParentId))];
    }

    private static string TraceOf(ServerFrame frame) => frame.Traceparent.Split('-') is [_, var traceId, _, _] ? traceId : throw new InvalidOperationException($"No trace: {frame}");
}
