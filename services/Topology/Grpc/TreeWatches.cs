using System.Runtime.CompilerServices;
using Beacon.Contracts.Topology.V1;
using Microsoft.Extensions.Options;

namespace Beacon.Topology.Grpc;

/// <summary>Who watches which tree at this replica: one feed a tree, from its first watcher to its last.</summary>
internal sealed class TreeWatches(StreamCalls streams, IOptions<TopologyOptions> options, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string StreamId, int Stripe), (TreeFeed Feed, int Watchers)> _feeds = [];
    private int _watchers;

    public async IAsyncEnumerable<WatchTreeResponse> WatchAsync(string streamId, int stripe, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var feed = Open((streamId, stripe));
        try
        {
            await foreach (var message in feed.WatchAsync(cancellationToken))
                yield return message;
        }
        finally
        {
            Close((streamId, stripe), feed);
        }
    }

    private TreeFeed Open((string StreamId, int Stripe) tree)
    {
        lock (_lock)
        {
            if (_watchers >= options.Value.MaxWatchers)
                throw TopologyErrors.TooManyWatchers.Exception();
            _watchers++;
            if (!_feeds.TryGetValue(tree, out var entry) || entry.Feed.IsOver)
            {
                entry = (new TreeFeed(tree.StreamId, tree.Stripe, streams, options.Value, clock), 0);
                entry.Feed.Start();
            }

            _feeds[tree] = entry with { Watchers = entry.Watchers + 1 };
            return entry.Feed;
        }
    }

    private void Close((string StreamId, int Stripe) tree, TreeFeed feed)
    {
        lock (_lock)
        {
            _watchers--;
            // One that is over has been replaced, if anybody came after it.
            if (!_feeds.TryGetValue(tree, out var entry) || entry.Feed != feed)
                return;
            if (entry.Watchers > 1)
            {
                _feeds[tree] = entry with { Watchers = entry.Watchers - 1 };
                return;
            }

            _feeds.Remove(tree);
        }

        feed.Dispose();
    }
}
