using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.Topology;
using Beacon.Topology.Mesh;
using Beacon.Topology.Streams;
using Microsoft.Extensions.Logging.Abstractions;

namespace Beacon.Simulation.Tests;

/// <summary>One activation of the stream's owner, as a cluster would keep it.</summary>
internal sealed class Replica : IEdgeSender
{
    private readonly World _world;

    public Replica(World world, TopologyOptions options, TopologyMetrics metrics)
    {
        _world = world;
        Owner = new StreamOwner(
            World.StreamId, world.Journal.For(this), this, options, world.Time.Clock, Nonce, metrics, NullLogger.Instance, () => IsReleased = true);
    }

    public StreamOwner Owner { get; }

    /// <summary>Its process was killed: nothing of it happens any more.</summary>
    public bool IsDead { get; set; }

    /// <summary>It has given itself up.</summary>
    public bool IsReleased { get; private set; }

    public bool IsCounted { get; set; }

    public long ActivatedAtMs { get; private set; }

    public async Task Activate()
    {
        await Owner.Activate();
        ActivatedAtMs = _world.Time.NowMs;
        Tick();
    }

    public Task SendAsync(StreamState stream, PeerNews news)
    {
        if (IsDead)
            return new TaskCompletionSource().Task;
        foreach (var (edgeId, parts) in EdgeSender.ByEdge(stream.StreamId, news))
        {
            var directives = parts.SelectMany(part => PeerDirectives.Parser.ParseFrom(part.Bytes).Directives).ToList();
            foreach (var directive in directives)
                directive.StreamId = "";
            _world.Told(this, directives);
            _world.Network(() => _world.Deliver(edgeId, directives));
        }

        return Task.CompletedTask;
    }

    public Task ChallengeAsync(StreamState stream, long window, Challenge challenge)
    {
        if (!IsDead)
        {
            foreach (var edgeId in stream.EdgeIds)
                _world.Network(() => _world.Deliver(edgeId, window, challenge));
        }

        return Task.CompletedTask;
    }

    public Task<bool> TryPublishAsync<T>(string streamId, T fact) where T : class
    {
        if (IsDead)
            return new TaskCompletionSource<bool>().Task;
        if (_world.IsChaos && _world.Time.Chance(0.05))
            return Task.FromResult(false);
        switch (fact)
        {
            case RelayWorkVerified work:
                _world.Settled(work);
                break;
            case StreamEnded:
                _world.Ends++;
                break;
        }

        return Task.FromResult(true);
    }

    private byte[] Nonce()
    {
        var nonce = new byte[16];
        _world.Time.Random.NextBytes(nonce);
        return nonce;
    }

    private void Tick() => _world.Time.After(TimeSpan.FromSeconds(1), () =>
    {
        if (IsDead || IsReleased)
            return;
        _world.Time.Begin(TickOnce);
        Tick();
    });

    private async Task TickOnce()
    {
        try
        {
            await Owner.Tick();
        }
        catch (Exception exception) when (World.IsOfTheJournal(exception))
        {
            // As the grain does: the next tick tries again.
        }
    }
}
