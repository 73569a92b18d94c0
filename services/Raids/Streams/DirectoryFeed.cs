using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Beacon.Raids.Streams;

/// <summary>A change of the directory: a stream as it is now, or the id of one that is gone.</summary>
internal readonly record struct DirectoryChange(StreamEntry? Live, string StreamId);

/// <summary>
/// Tells watchers what changes in the directory. Notices in Redis say which streams to look at; they are gathered for a moment, so that a
/// stream that changes ten times is read and sent once. Notices may get lost, so all of it is compared from time to time. Nothing is read while
/// nobody watches.
/// </summary>
internal sealed class DirectoryFeed(IConnectionMultiplexer redis, StreamDirectory directory, IOptions<RaidsOptions> options, TimeProvider clock, ILogger<DirectoryFeed> log)
    : BackgroundService
{
    /// <summary>Changes that a watcher may be behind before it is let go.</summary>
    private const int MaxBehind = StreamDirectory.MaxStreams + 1_024;

    private readonly ConcurrentDictionary<long, Channel<DirectoryChange>> _watchers = new();
    private readonly ConcurrentDictionary<string, byte> _dirty = new(StringComparer.Ordinal);
    private readonly Dictionary<string, StreamEntry> _known = new(StringComparer.Ordinal);
    private long _lastWatcher;
    private int _count;

    /// <summary>Begins to watch; null when there are as many watchers as may be. The changes come as they are; the caller lists for itself.</summary>
    public Watch? Begin()
    {
        if (Interlocked.Increment(ref _count) > options.Value.MaxWatchers)
        {
            Interlocked.Decrement(ref _count);
            return null;
        }

        var id = Interlocked.Increment(ref _lastWatcher);
        var channel = Channel.CreateBounded<DirectoryChange>(new BoundedChannelOptions(MaxBehind) { SingleReader = true });
        _watchers[id] = channel;
        return new Watch(this, id, channel.Reader);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var subscriber = redis.GetSubscriber();
        var compared = clock.GetTimestamp();
        var isSubscribed = false;
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.LiveUpdateMs), clock);
        while (await NextAsync(tick, stoppingToken))
        {
            if (_watchers.IsEmpty)
            {
                _known.Clear();
                continue;
            }

            try
            {
                if (!isSubscribed)
                {
                    await subscriber.SubscribeAsync(DirectoryKeys.Changes, (_, streamId) => _dirty[(string)streamId!] = 0);
                    isSubscribed = true;
                }

                if (_known.Count == 0 || clock.GetElapsedTime(compared).TotalSeconds >= options.Value.LiveCompareSeconds)
                {
                    compared = clock.GetTimestamp();
                    await CompareAsync();
                }
                else
                {
                    await TellChangedAsync();
                }
            }
            catch (Exception exception) when (exception is RedisException or TimeoutException)
            {
                Log.RaidsUnreadable(log, exception.GetType().Name);
            }
        }
    }

    private static async Task<bool> NextAsync(PeriodicTimer tick, CancellationToken stop)
    {
        try
        {
            return await tick.WaitForNextTickAsync(stop);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task CompareAsync()
    {
        _dirty.Clear();
        var now = (await directory.ReadAsync(await directory.RanksAsync())).ToDictionary(stream => stream.StreamId, StringComparer.Ordinal);
        foreach (var gone in _known.Keys.Where(streamId => !now.ContainsKey(streamId)).ToList())
            Update(gone, null);
        foreach (var (streamId, stream) in now)
            Update(streamId, stream);
    }

    private async Task TellChangedAsync()
    {
        foreach (var streamId in _dirty.Keys)
        {
            _dirty.TryRemove(streamId, out _);
            Update(streamId, await directory.FindAsync(streamId));
        }
    }

    private void Update(string streamId, StreamEntry? stream)
    {
        if (stream == _known.GetValueOrDefault(streamId))
            return;
        if (stream is null)
            _known.Remove(streamId);
        else
            _known[streamId] = stream;
        foreach (var watcher in _watchers.Values)
        {
            if (!watcher.Writer.TryWrite(new DirectoryChange(stream, streamId)))
                watcher.Writer.TryComplete(new WatcherTooSlowException());
        }
    }

    private void End(long id)
    {
        if (_watchers.TryRemove(id, out _))
            Interlocked.Decrement(ref _count);
    }

    /// <summary>One watcher's changes, until it is disposed of.</summary>
    internal sealed class Watch(DirectoryFeed feed, long id, ChannelReader<DirectoryChange> changes) : IDisposable
    {
        public ChannelReader<DirectoryChange> Changes { get; } = changes;

        public void Dispose() => feed.End(id);
    }
}

/// <summary>A watcher read too slowly.</summary>
internal sealed class WatcherTooSlowException() : Exception("The watcher was left behind.");
