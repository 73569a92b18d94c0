using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Topology.Tests;

/// <summary>One stream of a host, and the calls that edges make about it.</summary>
internal sealed class StreamRig(TopologyHost host)
{
    public string Id { get; } = Guid.CreateVersion7().ToString();

    public TopologyHost Host => host;

    public static PeerIdentity Peer(string id, string edge = "edge-1", string? account = null) =>
        new() { PeerId = id, AccountId = account ?? $"account-{id}", EdgeId = edge, AddressBlock = $"block-{id}" };

    public static async Task Fails(string reason, StatusCode status, Func<Task> call)
    {
        var exception = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((reason, status), (Fault.ReasonOf(exception), exception.StatusCode));
    }

    /// <summary>A stream of 1 Mbit/s: an uplink of 10 Mbit/s claims 8 slots and is granted 2.</summary>
    public async Task<LiveStream> Start(uint maxChildren = 2)
    {
        host.Sent.StreamId = Id;
        var request = new StartStreamRequest
        {
            StreamId = Id, Root = Peer("root"), Channel = $"channel-{Id}", Title = "A title", BitrateKbps = 1_000, UplinkMbps = 100, MaxChildren = maxChildren,
        };
        return (await host.Edge.StartStreamAsync(request, host.Token)).Stream;
    }

    public async Task<LiveStream> Join(string id, double uplinkMbps = 10, string edge = "edge-1") =>
        (await host.Edge.JoinStreamAsync(new JoinStreamRequest { StreamId = Id, Peer = Peer(id, edge), UplinkMbps = uplinkMbps, LatencyMs = 20 }, host.Token)).Stream;

    public async Task Leave(params string[] ids) =>
        await host.Edge.LeaveStreamAsync(new LeaveStreamRequest { StreamId = Id, PeerId = ids[0], EdgeId = "edge-1", PeerIds = { ids.Skip(1) } }, host.Token);

    public async Task End() => await host.Edge.EndStreamAsync(new EndStreamRequest { StreamId = Id, Reason = "ended" }, host.Token);

    /// <summary>Every peer of a stripe, over all pages.</summary>
    public async Task<Dictionary<string, TreePeer>> Tree(uint stripe = 0)
    {
        var peers = new Dictionary<string, TreePeer>(StringComparer.Ordinal);
        var request = new GetTreeRequest { StreamId = Id, Stripe = stripe };
        do
        {
            var page = await host.Queries.GetTreeAsync(request);
            foreach (var peer in page.Peers)
                peers.Add(peer.PeerId, peer);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return peers;
    }

    /// <summary>Time passes. What is under way is done first: its own patience is by the same clock.</summary>
    public async Task Pass(int milliseconds)
    {
        await host.Grain(Id).Tick();
        await host.PassAsync(Id, milliseconds);
    }
}
