using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Beacon.Topology.Tests;

/// <summary>What an operator sees of the trees, in exact figures.</summary>
public sealed class MetricsTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>
{
    [Fact]
    public async Task Depths_coverage_and_waiting_are_those_of_the_trees()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        using var seen = new Measurements(host.Meters);
        var stream = new StreamRig(host);
        await stream.Start();
        foreach (var id in new[] { "a", "b", "c", "d" })
            await stream.Join(id, uplinkMbps: 2.5);
        await stream.Pass(1_000);
        // Two at the root, two below them: (1 + 1 + 2 + 2) / 4, and no tree does better with two slots each.
        var tree = await stream.Tree();
        Assert.Equal([0, 1, 1, 2, 2], tree.Values.Select(peer => (int)peer.Depth).Order());
        var covered = tree.Values.Count(peer => peer.StandbyPeerId.Length > 0);
        Assert.InRange(covered, 1, 4);
        var gauges = seen.Gauges();
        Assert.Equal(1, gauges["beacon.topology.streams"]);
        Assert.Equal(5, gauges["beacon.topology.peers"]);
        Assert.Equal(1.5, gauges["beacon.topology.depth.mean"]);
        Assert.Equal(1.5, gauges["beacon.topology.depth.ideal.mean"]);
        Assert.Equal(2, gauges["beacon.topology.depth.max"]);
        Assert.Equal(2, gauges["beacon.topology.depth.ideal.max"]);
        Assert.Equal(0, gauges["beacon.topology.depth.excess"]);
        Assert.Equal(covered / 4.0, gauges["beacon.topology.standby.coverage"]);
        Assert.Equal(0, gauges["beacon.topology.waiting"]);
        Assert.Equal(0, gauges["beacon.topology.degraded"]);

        // A second stream with one place: the means are over both, the share of standbys too.
        var narrow = new StreamRig(host);
        await narrow.Start(maxChildren: 1);
        await narrow.Join("only", uplinkMbps: 0);
        await narrow.Join("waits", uplinkMbps: 0);
        await narrow.Pass(1);
        gauges = seen.Gauges();
        Assert.Equal(2, gauges["beacon.topology.streams"]);
        Assert.Equal(8, gauges["beacon.topology.peers"]);
        Assert.Equal(1, gauges["beacon.topology.waiting"]);
        Assert.Equal(7.0 / 5, gauges["beacon.topology.depth.mean"]);
        Assert.Equal(covered / 6.0, gauges["beacon.topology.standby.coverage"]);

        await narrow.End();
        await stream.End();
        Assert.Equal(0, seen.Gauges()["beacon.topology.streams"]);
    }

    [Fact]
    public async Task Joins_moves_losses_and_commits_are_counted()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        using var seen = new Measurements(host.Meters);
        var stream = new StreamRig(host);
        await stream.Start();
        foreach (var id in new[] { "a", "b", "c", "d" })
            await stream.Join(id, uplinkMbps: 2.5);
        await stream.Join("d", uplinkMbps: 2.5);
        Assert.Equal(4, seen.Sum("beacon.topology.joins"));
        // The start, and five commands one after the other.
        Assert.Equal(6, seen.All("beacon.topology.commit.duration").Count);
        Assert.Equal(6, seen.All("beacon.topology.commit.peers").Count);
        Assert.Equal(1, seen.All("beacon.topology.commit.peers")[0].Value);
        Assert.Empty(seen.All("beacon.topology.moves"));
        Assert.Empty(seen.All("beacon.topology.blast_radius"));

        var tree = await stream.Tree();
        var relay = tree["c"].ParentPeerId;
        var orphans = tree.Values.Where(peer => peer.ParentPeerId == relay).ToList();
        await stream.Leave(relay);
        Assert.Equal([orphans.Count], seen.All("beacon.topology.blast_radius").Select(loss => loss.Value));
        Assert.Equal(orphans.Count, seen.Sum("beacon.topology.orphans"));
        var after = await stream.Tree();
        Assert.Equal(
            orphans.Select(orphan => (0.0, orphan.StandbyPeerId == after[orphan.PeerId].ParentPeerId ? "by=standby" : "by=search")).Order(),
            seen.All("beacon.topology.heal.duration").Select(heal => (heal.Value, heal.Tags)).Order());
        Assert.Contains("by=standby", seen.All("beacon.topology.heal.duration").Select(heal => heal.Tags));
        Assert.Equal([((double)orphans.Count, "reason=parent_left")], seen.All("beacon.topology.moves").Select(move => (move.Value, move.Tags)));
    }

    [Fact]
    public async Task Healing_lasts_from_the_loss_until_the_orphan_is_told_its_next_parent()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        using var seen = new Measurements(host.Meters);
        var stream = new StreamRig(host);
        await stream.Start(maxChildren: 1);
        await stream.Join("relay", uplinkMbps: 1.25);
        await stream.Join("leaf", uplinkMbps: 0);
        await stream.Join("other", uplinkMbps: 0);
        Assert.Equal("relay", (await stream.Tree())["leaf"].ParentPeerId);
        // The relay's place goes to its own orphan: 0 s. The one that waited all along is no orphan.
        await stream.Leave("relay");
        Assert.Equal((0.0, "by=search"), seen.All("beacon.topology.heal.duration").Select(heal => (heal.Value, heal.Tags)).Single());

        // Two orphans and one place: the second one is healed when a relay comes, 7 s later.
        await stream.Join("second", uplinkMbps: 2.5);
        var tree = await stream.Tree();
        Assert.Equal(["leaf", "other"], tree.Values.Where(peer => peer.ParentPeerId == "second").Select(peer => peer.PeerId).Order());
        await stream.Leave("second");
        host.Clock.Advance(TimeSpan.FromSeconds(7));
        await stream.Join("third", uplinkMbps: 2.5);
        Assert.Equal([0.0, 0.0, 7.0], seen.All("beacon.topology.heal.duration").Select(heal => heal.Value));
        Assert.Equal([1.0, 2.0], seen.All("beacon.topology.blast_radius").Select(loss => loss.Value));
    }

    [Fact]
    public async Task Peers_that_are_lost_together_are_one_loss()
    {
        await using var host = await TopologyHost.StartAsync(garnet.ConnectionString);
        using var seen = new Measurements(host.Meters);
        var stream = new StreamRig(host);
        await stream.Start();
        foreach (var id in new[] { "a", "b", "c", "d", "e", "f" })
            await stream.Join(id, uplinkMbps: 2.5);
        var tree = await stream.Tree();
        var lost = tree.Values.Where(peer => peer.ParentPeerId == "root").Select(peer => peer.PeerId).ToArray();
        var left = tree.Keys.Except([.. lost, "root"]).ToList();
        await stream.Leave(lost);
        Assert.Equal([left.Count], seen.All("beacon.topology.blast_radius").Select(loss => loss.Value));
        Assert.Equal(left.Append("root").Order(), (await stream.Tree()).Keys.Order());
        Assert.Equal(left.Count, seen.All("beacon.topology.heal.duration").Count);
    }

    /// <summary>What a host's own meters measured.</summary>
    private sealed class Measurements : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly ConcurrentQueue<Measurement> _all = new();

        public Measurements(IMeterFactory meters)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Beacon.Topology" && ReferenceEquals(instrument.Meter.Scope, meters))
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
            _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument, value, tags));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
            _listener.Start();
        }

        public IReadOnlyList<Measurement> All(string name) => [.. _all.Where(measurement => measurement.Name == name)];

        public double Sum(string name) => All(name).Sum(measurement => measurement.Value);

        public Dictionary<string, double> Gauges()
        {
            var before = _all.Count;
            _listener.RecordObservableInstruments();
            return _all.Skip(before).ToDictionary(measurement => measurement.Name, measurement => measurement.Value, StringComparer.Ordinal);
        }

        public void Dispose() => _listener.Dispose();

        private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            _all.Enqueue(new Measurement(instrument.Name, value, string.Join(',', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))));
    }

    private sealed record Measurement(string Name, double Value, string Tags);
}
