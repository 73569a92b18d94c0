using Beacon.Contracts.Signaling.V1;
using Beacon.Signaling.Sessions;

namespace Beacon.Signaling.Tests;

/// <summary>Joins, leaves and reports go to the replica of Topology that owns the stream, once that one is known, and elsewhere when it is gone.</summary>
public sealed class TopologyReplicasTests(RedisFixture redis) : IClassFixture<RedisFixture>
{
    [Fact]
    public async Task What_concerns_a_stream_goes_to_its_owner_and_to_any_replica_after_that_one_is_gone()
    {
        RedisFixture.RequireInstalled();
        var (anyAsked, ownerAsked) = (new Asked(), new Asked());
        await using var host = await SignalingHost.StartAsync(redis.ConnectionString, anyAsked);
        var owner = await SignalingHost.StartAsync(redis.ConnectionString, ownerAsked);
        await using var ended = owner;
        anyAsked.Owner = owner.Grpc;
        var streamId = Guid.CreateVersion7().ToString();

        var (first, _) = await JoinAsync(host, streamId);
        var (second, _) = await JoinAsync(host, streamId);
        var (stranger, _) = await JoinAsync(host, Guid.CreateVersion7().ToString());
        Assert.Equal((2, 1), (anyAsked.Joins.Count, ownerAsked.Joins.Count));
        await first.SendAsync(new ClientFrame { MetricsReport = new MetricsReport { StreamId = streamId } });
        await second.SendAsync(new ClientFrame { LeaveStream = new LeaveStream { StreamId = streamId } });
        await SessionLifeTests.Until(() => ownerAsked.Reports.Count == 1);
        await ownerAsked.NextLeaveAsync();
        Assert.Equal((0, 0), (anyAsked.Reports.Count, anyAsked.LeaveCount));

        await owner.AbortAsync();
        var (third, joined) = await JoinAsync(host, streamId);
        Assert.Equal(streamId, joined.StreamJoined?.StreamId);
        Assert.Equal((3, 1), (anyAsked.Joins.Count, ownerAsked.Joins.Count));
        // It was told the same owner again, and does not believe it yet.
        Assert.Equal(TopologyReplicas.Any, host.Get<TopologyReplicas>().OwnerOf(streamId));
        foreach (var socket in new[] { first, second, stranger, third })
            await socket.DisposeAsync();
    }

    private static async Task<(FrameSocket Socket, ServerFrame Answer)> JoinAsync(SignalingHost host, string streamId)
    {
        var socket = await FrameSocket.ConnectAsync(host.WebSocket, host.Guest().AccessToken);
        return (socket, await socket.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = streamId } }));
    }
}
