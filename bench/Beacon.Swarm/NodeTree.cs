using Beacon.Testing;

namespace Beacon.Swarm;

/// <summary>What a headless viewer says of itself.</summary>
/// <param name="Parent">Who feeds it in fact.</param>
/// <param name="Chunks">After the first one since it was told to begin.</param>
/// <param name="Span">As many there were.</param>
/// <param name="BytesPlayed">In order, each chunk once.</param>
/// <param name="BytesReceived">True chunks from all parents, as in its receipts.</param>
internal sealed record NodeViewer(string PeerId, string Parent, long Chunks, long Span, long BytesPlayed, long BytesReceived, double LongestBreakMs, double LatencyMs);

/// <summary>Who feeds whom among headless viewers.</summary>
internal static class NodeTree
{
    public static async Task<List<NodeViewer>> StatsAsync(IEnumerable<NodePeers> processes, CancellationToken cancellation)
    {
        var answers = await Task.WhenAll(processes.Select(process => process.AskAsync("stats", cancellation)));
        return [.. answers.SelectMany(answer => answer.AsArray()).Select(peer => new NodeViewer(
            peer!["peerId"]!.GetValue<string>(),
            peer["parent"]!.GetValue<string>(),
            peer["chunks"]!.GetValue<long>(),
            peer["span"]!.GetValue<long>(),
            peer["bytesPlayed"]!.GetValue<long>(),
            peer["bytesReceived"]!.GetValue<long>(),
            peer["longestBreakMs"]!.GetValue<double>(),
            peer["latencyMs"]!.GetValue<double>()))];
    }

    /// <summary>Hops from the broadcaster, of those that are connected to it, by who feeds whom in fact.</summary>
    public static Dictionary<string, int> DepthsOf(IEnumerable<(string PeerId, string Parent)> peers, string rootId)
    {
        var children = peers.ToLookup(peer => peer.Parent, peer => peer.PeerId, StringComparer.Ordinal);
        var depths = new Dictionary<string, int>(StringComparer.Ordinal);
        var next = new Queue<(string PeerId, int Depth)>([(rootId, 0)]);
        while (next.TryDequeue(out var above))
        {
            foreach (var child in children[above.PeerId])
            {
                if (depths.TryAdd(child, above.Depth + 1))
                    next.Enqueue((child, above.Depth + 1));
            }
        }

        return depths;
    }
}
