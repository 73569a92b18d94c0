using Beacon.Contracts.Topology.V1;
using Spectre.Console;

namespace Beacon.Cli;

/// <summary>A tree of peers, drawn with lines.</summary>
internal static class TreePicture
{
    public static void Draw(IAnsiConsole console, GetTreeResponse tree)
    {
        var children = tree.Peers.Where(peer => peer.ParentPeerId.Length > 0).ToLookup(peer => peer.ParentPeerId, StringComparer.Ordinal);
        var root = tree.Peers.FirstOrDefault(peer => peer.Depth == 0 && peer.ParentPeerId.Length == 0);
        if (root is not null)
        {
            var picture = new Tree(Label(root)) { Guide = TreeGuide.Line };
            // With a stack of its own: a tree can be deeper than the one of a thread.
            var open = new Stack<(IHasTreeNodes Node, TreePeer Peer)>([(picture, root)]);
            while (open.TryPop(out var next))
            {
                foreach (var child in children[next.Peer.PeerId])
                    open.Push((next.Node.AddNode(Label(child)), child));
                // Those that did not come with the pages that were read.
                if (next.Peer.Children - children[next.Peer.PeerId].Count() is > 0 and var more)
                    next.Node.AddNode(new Markup($"[grey]… {more} more[/]"));
            }

            console.Write(picture);
        }

        if (tree.Quality is { } quality)
        {
            console.MarkupLineInterpolated(
                $"[grey]{tree.Peers.Count} peers shown{(tree.NextPageToken.Length > 0 ? " of more" : "")}; mean depth {CommandRun.Number(quality.MeanDepth, "0.##")} (ideal {CommandRun.Number(quality.IdealMeanDepth, "0.##")}), deepest {quality.MaxDepth} (ideal {quality.IdealMaxDepth}), {tree.WaitingPeerIds.Count} waiting[/]");
        }
    }

    private static Markup Label(TreePeer peer)
    {
        var colour = peer.Health switch
        {
            PeerHealth.Degraded => "yellow",
            PeerHealth.Orphaned => "red",
            _ => "green",
        };
        var text = $"{peer.PeerId} {peer.Children}/{peer.Slots} slots, {CommandRun.Number(peer.UplinkMbps)} Mbit/s, {CommandRun.Number(peer.LatencyMs, "0")} ms";
        return new Markup($"[{colour}]●[/] {Markup.Escape(text)}{(peer.StandbyPeerId.Length > 0 ? $" [grey]standby {Markup.Escape(peer.StandbyPeerId)}[/]" : "")}");
    }
}
