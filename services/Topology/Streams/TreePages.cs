using Beacon.Topology.Mesh;

namespace Beacon.Topology.Streams;

/// <summary>A tree in pages: the placed first, then those who wait, each with all below it, parents before children.</summary>
internal static class TreePages
{
    /// <summary>
    /// The next peers after this one; so who joins or leaves elsewhere shifts nothing. When it has left meanwhile, or is not known, those
    /// after so many.
    /// </summary>
    public static List<Peer> Read(Tree tree, int count, int offset, string? afterPeerId)
    {
        var after = afterPeerId is null ? null : tree.Find(afterPeerId);
        var tops = Tops(tree);
        if (after is null)
            return [.. tops.SelectMany(top => top.Subtree()).Skip(offset).Take(count)];
        var own = after;
        while (own.Parent is { } parent)
            own = parent;
        var page = new List<Peer>(count);
        for (var peer = after.NextWithin(own); peer is not null && page.Count < count; peer = peer.NextWithin(own))
            page.Add(peer);
        page.AddRange(tops.SkipWhile(top => !ReferenceEquals(top, own)).Skip(1).SelectMany(top => top.Subtree()).Take(count - page.Count));
        return page;
    }

    private static IEnumerable<Peer> Tops(Tree tree) => tree.Root is null ? tree.Waiting : tree.Waiting.Prepend(tree.Root);
}
