using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;
using Google.Api;
using Grpc.Core;
using Grpc.Net.Client;

namespace Beacon.Scenarios;

/// <summary>Who may do what, tried from outside on the whole server.</summary>
public abstract class SecurityScenarios(BeaconFixture beacon) : Scenario(beacon)
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(bytes => bytes, bytes => bytes);

    [Fact]
    public async Task Internal_calls_are_refused_without_a_service_token_all_of_them()
    {
        var guest = await Rest.GuestAsync("Intruder");
        var operatorsToken = await Rest.GuestAsync("Operator", BeaconServer.OperatorKey);
        var calls = InternalCalls();
        // The two services without a REST surface, with all that they have.
        Assert.Contains("/beacon.topology.v1.TopologyEdgeService/JoinStreams", calls);
        Assert.Contains("/beacon.ledger.v1.LedgerAccountsService/OpenAccount", calls);
        foreach (var call in calls)
        {
            // beacon.topology.v1 is Topology's.
            using var channel = GrpcChannel.ForAddress(Server.GrpcOf(call.Split('.')[1]));
            foreach (var token in new[] { null, guest.AccessToken, operatorsToken.AccessToken, "forged.token.here" })
                Assert.Equal((call, StatusCode.Unauthenticated), (call, await CallAsync(channel, call, token)));
        }
    }

    [Fact]
    public async Task An_outsider_is_nobodys_neighbour_whatever_it_sends_and_to_whom()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Host"), maxChildren: 1);
        await using var relay = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Relay"), root.StreamId);
        var ticket = (await relay.ParentAsync()).Ticket;
        await using var leaf = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Leaf"), root.StreamId);
        await leaf.ParentAsync();
        await using var other = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Other"));
        await using var outsider = await FrameSocket.ConnectAsync(Server.WebSocket, (await Rest.GuestAsync("Outsider")).AccessToken);

        foreach (var signal in new[] { new Signal { Offer = "v=0" }, new Signal { Answer = "v=0" }, new Signal { Candidate = "{}" } })
        {
            signal.StreamId = root.StreamId;
            signal.Ticket = ticket;
            foreach (var victim in new[] { root.PeerId, relay.PeerId, leaf.PeerId })
            {
                signal.PeerId = victim;
                // Without a seat, with a seat in another stream, and with a seat two hops away: leaf and root are no neighbours.
                Assert.Equal("not_in_stream", (await outsider.AskAsync(new ClientFrame { Signal = signal })).Error.Reason);
                Assert.Equal("not_in_stream", (await other.Socket.AskAsync(new ClientFrame { Signal = signal })).Error.Reason);
            }

            signal.PeerId = root.PeerId;
            Assert.Equal("not_a_neighbour", (await leaf.Socket.AskAsync(new ClientFrame { Signal = signal })).Error.Reason);
            signal.PeerId = leaf.PeerId;
            Assert.Equal("not_a_neighbour", (await root.Socket.AskAsync(new ClientFrame { Signal = signal })).Error.Reason);
        }

        foreach (var peer in new[] { root, relay, leaf })
            Assert.Equal(0, peer.Socket.Count(ServerFrame.FrameOneofCase.Signal));
    }

    [Fact]
    public async Task A_resume_ticket_is_no_good_to_another_account()
    {
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Host"));
        await using var viewer = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("Viewer"), root.StreamId);
        await using var thief = await FrameSocket.ConnectAsync(Server.WebSocket, (await Rest.GuestAsync("Thief")).AccessToken);

        var taken = await thief.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = root.StreamId, ResumeTicket = viewer.ResumeTicket } });
        var live = await thief.AskAsync(new ClientFrame { GoLive = new GoLive { Title = "Mine", BitrateKbps = 800, ResumeTicket = root.ResumeTicket } });

        Assert.Equal("invalid_resume_ticket", taken.Error.Reason);
        Assert.Equal("invalid_resume_ticket", live.Error.Reason);
    }

    [Fact]
    public async Task Twenty_thousand_random_and_mutated_frames_are_answered_with_documented_errors()
    {
        const int Seed = 7;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {Seed}");
        await using var root = await SyntheticPeer.BroadcastAsync(Server, await Rest.GuestAsync("Host"));
        var guest = await Rest.GuestAsync("Fuzzer");
        var documented = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "errors.md"), TestContext.Current.CancellationToken);
        var run = new FuzzRun(Server.Http, () => Task.FromResult(guest.AccessToken), root.StreamId, root.PeerId);

        // One server for many scenarios: what it says from now on.
        var before = Server.Services.ToDictionary(service => service.Key, service => service.Value.Output.Length, StringComparer.Ordinal);

        var outcome = await run.RunAsync(20_000, Seed, sessions: 4);

        Assert.Equal(20_000, outcome.Frames);
        Assert.All(outcome.Answers.Keys, reason => Assert.Contains($"| `{reason}` |", documented, StringComparison.Ordinal));
        Assert.Contains("malformed_frame", outcome.Answers.Keys);
        Assert.Contains("invalid_frame", outcome.Answers.Keys);
        Assert.Subset(new HashSet<int> { 0, 1000, 1002, 1009 }, outcome.Closes.Keys.ToHashSet());
        Assert.Empty(Server.Services.SelectMany(service => ConsoleLog.Failures(service.Value.Output[before[service.Key]..]).Select(failure => $"{service.Key}: {failure}")));
        // The server goes on, and so does the stream.
        await using var viewer = await SyntheticPeer.WatchAsync(Server, await Rest.GuestAsync("After"), root.StreamId);
        Assert.Equal(root.PeerId, (await viewer.ParentAsync()).ParentPeerId);
    }

    /// <summary>The methods of the services of which no method has an HTTP rule: those are for services only.</summary>
    private static List<string> InternalCalls()
    {
        var files = Contracts.DescriptorSet.Load().File.Where(file => file.Package.StartsWith("beacon.", StringComparison.Ordinal));
        return [.. files.SelectMany(file => file.Service
            .Where(service => service.Method.All(method => method.Options?.HasExtension(AnnotationsExtensions.Http) != true))
            .SelectMany(service => service.Method.Select(method => $"/{file.Package}.{service.Name}/{method.Name}")))];
    }

    private static async Task<StatusCode> CallAsync(GrpcChannel channel, string path, string? token)
    {
        var names = path.Split('/');
        var method = new Method<byte[], byte[]>(MethodType.Unary, names[1], names[2], Bytes, Bytes);
        var headers = new Metadata();
        if (token is not null)
            headers.Add("authorization", $"Bearer {token}");
        try
        {
            await channel.CreateCallInvoker().AsyncUnaryCall(method, host: null, new CallOptions(headers), []).ResponseAsync;
            return StatusCode.OK;
        }
        catch (RpcException exception)
        {
            return exception.StatusCode;
        }
    }
}
