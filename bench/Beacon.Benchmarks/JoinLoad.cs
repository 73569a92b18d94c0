using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Simulator;
using Beacon.Testing;
using Beacon.Topology;
using Beacon.Topology.Mesh;
using Beacon.Topology.Streams;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Beacon.Benchmarks;

/// <summary>
/// An audience that joins as fast as it is answered, through the queue of a replica, Orleans, the stream's owner and the journal, as
/// in production. Directives are sorted by edge, encoded and then dropped: a bus is not measured here.
/// </summary>
internal sealed class JoinLoad(int seed, int peers, int callers, int seconds, int warmUpSeconds)
{
    private const int ManyStreams = 64;
    private const int Edges = 4;

    public int Seed => seed;

    public async Task<JsonObject> RunAsync(MeasuredStore store, TextWriter log, CancellationToken cancellationToken)
    {
        using var host = await StartSiloAsync(store, cancellationToken);
        var queue = ActivatorUtilities.CreateInstance<CommandQueue>(host.Services);
        var grains = host.Services.GetRequiredService<IGrainFactory>();
        var counted = host.Services.GetRequiredService<CountedJournal>();
        var report = new JsonObject();
        foreach (var (name, streams, warmUp) in new[] { ("hot", 1, warmUpSeconds), ($"streams_{ManyStreams}", ManyStreams, Math.Min(2, warmUpSeconds)) })
        {
            // By the processor's clock: on a busy machine the compiler needs longer by the other one.
            await MeasureAsync(streams, (_, own) => own.TotalSeconds >= warmUp);
            var figure = await MeasureAsync(streams, (wall, _) => wall.TotalSeconds >= seconds);
            report[name] = figure;
            await log.WriteLineAsync($"{store.Name} {name}: {figure.ToJsonString()}");
        }

        await host.StopAsync(cancellationToken);
        return report;

        async Task<JsonObject> MeasureAsync(int streams, Func<TimeSpan, TimeSpan, bool> isEnough)
        {
            var workload = new Workload(seed);
            var joins = 0L;
            var commits = 0L;
            var wall = TimeSpan.Zero;
            var storeTime = TimeSpan.Zero;
            var ownTime = TimeSpan.Zero;
            var pauses = TimeSpan.Zero;
            var allocated = 0L;
            while (!isEnough(wall, ownTime))
            {
                // Making the audience and the streams is not measured, and neither is their end.
                var ids = Enumerable.Range(0, streams).Select(_ => Guid.CreateVersion7().ToString()).ToList();
                await Task.WhenAll(ids.Select(id => StartAsync(grains, id)));
                var commands = Enumerable.Range(0, peers).Select(_ => Join(workload.Next())).ToArray();
                var commitsBefore = counted.Commits;
                var storeBefore = store.ProcessorTime;
                var ownBefore = Environment.CpuUsage.TotalTime;
                var pausesBefore = GC.GetTotalPauseDuration();
                var allocatedBefore = GC.GetTotalAllocatedBytes();
                var watch = Stopwatch.StartNew();
                joins += await JoinAllAsync(queue, ids, commands, () => isEnough(wall + watch.Elapsed, ownTime + Environment.CpuUsage.TotalTime - ownBefore));
                wall += watch.Elapsed;
                ownTime += Environment.CpuUsage.TotalTime - ownBefore;
                storeTime += store.ProcessorTime - storeBefore ?? TimeSpan.Zero;
                commits += counted.Commits - commitsBefore;
                pauses += GC.GetTotalPauseDuration() - pausesBefore;
                allocated += GC.GetTotalAllocatedBytes() - allocatedBefore;
                await Task.WhenAll(ids.Select(id => grains.GetGrain<IStreamGrain>(id).End("ended", accountId: null)));
            }

            if (joins == 0)
                return [];
            var figure = new JsonObject
            {
                ["joins_per_s"] = Math.Round(joins / wall.TotalSeconds),
                ["redis_cpu_us_per_join"] = store.ProcessorTime is null ? null : Math.Round(storeTime.TotalMicroseconds / joins, 2),
                ["silo_cpu_us_per_join"] = Math.Round(ownTime.TotalMicroseconds / joins, 2),
                ["allocated_bytes_per_join"] = allocated / joins,
                ["gc_pause_percent"] = Math.Round(100 * pauses / wall, 1),
                ["batch_mean"] = Math.Round((double)joins / commits, 1),
                ["joins"] = joins,
            };
            return figure;
        }
    }

    private async Task<long> JoinAllAsync(CommandQueue queue, List<string> streamIds, StreamCommand[] commands, Func<bool> isEnough)
    {
        var next = 0;
        var done = 0L;
        var stopped = false;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(callers, commands.Length)).Select(_ => Task.Run(CallerAsync)));
        return done;

        async Task CallerAsync()
        {
            while (Interlocked.Increment(ref next) - 1 is var at && at < commands.Length && !Volatile.Read(ref stopped))
            {
                if (at % 1024 == 0 && isEnough())
                    Volatile.Write(ref stopped, true);
                var reply = await queue.ExecuteAsync(streamIds[at % streamIds.Count], commands[at]);
                if (reply.Refusal != Refusal.None)
                    throw new InvalidOperationException($"a join was answered with {reply.Refusal}");
                // A machine so busy that a commit takes seconds makes the owner go on from memory: such joins do not count.
                if (reply.Value!.IsJournaled)
                    Interlocked.Increment(ref done);
            }
        }
    }

    private static async Task StartAsync(IGrainFactory grains, string streamId)
    {
        var root = new Member($"root-{streamId[24..]}", "broadcaster", "edge-0", "");
        var reply = await grains.GetGrain<IStreamGrain>(streamId).Start(
            new StartCommand(root, streamId, "A title", Workload.BitrateKbps, Workload.RootUplinkMbps, MaxChildren: 0, Resume: false));
        if (reply.Refusal != Refusal.None)
            throw new InvalidOperationException($"a stream did not start: {reply.Refusal}");
    }

    private static StreamCommand Join(Viewer viewer) =>
        new(new JoinCommand(new Member(viewer.Id, $"account-{viewer.Id[24..]}", string.Intern($"edge-{viewer.Id[^1] % Edges}"), "203.0.113.0"), viewer.UplinkMbps, viewer.LatencyMs), Leave: null);

    private static async Task<IHost> StartSiloAsync(MeasuredStore store, CancellationToken cancellationToken)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Error);
        builder.UseOrleans(silo => silo.UseLocalhostClustering(Ports.Free(), Ports.Free()));
        var redis = await ConnectionMultiplexer.ConnectAsync(store.ConnectionString);
        builder.Services.AddSingleton<IConnectionMultiplexer>(redis);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(Options.Create(new TopologyOptions { MaxPeersPerStream = 1_000_000, MaxWaitingPerStream = 1_000_000 }));
        builder.Services.AddSingleton<TopologyMetrics>();
        builder.Services.AddSingleton<StreamStore>();
        builder.Services.AddSingleton<CountedJournal>();
        builder.Services.AddSingleton<IStreamJournal>(services => services.GetRequiredService<CountedJournal>());
        builder.Services.AddSingleton<IEdgeSender, DroppingSender>();
        builder.Services.AddSingleton<ReplicaAddress>();
        var host = builder.Build();
        await host.StartAsync(cancellationToken);
        return host;
    }

    private sealed class CountedJournal(StreamStore store) : IStreamJournal
    {
        private long _commits;

        public long Commits => Interlocked.Read(ref _commits);

        public Task<CommitOutcome> CommitAsync(string streamId, long epoch, long number, StreamBatch batch)
        {
            Interlocked.Increment(ref _commits);
            return store.CommitAsync(streamId, epoch, number, batch);
        }

        public Task<StoredStream?> TakeAsync(string streamId, long nowMs) => store.TakeAsync(streamId, nowMs);

        public Task<long> CreateAsync(string streamId, long nowMs) => store.CreateAsync(streamId, nowMs);

        public Task PingAsync() => store.PingAsync();

        public Task<bool> DeleteAsync(string streamId, long epoch) => store.DeleteAsync(streamId, epoch);

        public Task<string?> ClaimChannelAsync(string channel, string streamId) => store.ClaimChannelAsync(channel, streamId);

        public Task ReleaseChannelAsync(string channel, string streamId) => store.ReleaseChannelAsync(channel, streamId);

        public Task AddLiveAsync(string streamId, string channel) => store.AddLiveAsync(streamId, channel);

        public Task RemoveLiveAsync(string streamId) => store.RemoveLiveAsync(streamId);

        public Task<int> CountLiveAsync() => store.CountLiveAsync();
    }

    private sealed class DroppingSender : IEdgeSender
    {
        public Task SendAsync(StreamState stream, PeerNews news)
        {
            EdgeSender.ByEdge(stream.StreamId, news);
            return Task.CompletedTask;
        }

        public Task ChallengeAsync(StreamState stream, long window, Challenge challenge) => Task.CompletedTask;

        public Task<bool> TryPublishAsync<T>(string streamId, T fact) where T : class => Task.FromResult(true);
    }
}
