namespace Beacon.Topology.Streams;

/// <summary>What others may read of the stream: it changes nothing, and shows what was decided, also before it is committed.</summary>
internal sealed partial class StreamOwner
{
    /// <summary>Peers looked at in one turn for who reads a whole tree: about a millisecond.</summary>
    private const int SliceSize = 4_096;

    /// <inheritdoc cref="IStreamGrain.GetTree"/>
    public Reply<TreeView> GetTree(int stripe, int pageSize, int offset, string? afterPeerId)
    {
        if (Live is not { } state)
            return Unknown();
        if (state.Tree(stripe) is not { } tree)
            return Refusal.InvalidStripe;
        var page = TreePages.Read(tree, pageSize + 1, offset, afterPeerId);
        return new TreeView(
            state.Watch(stripe).Figures,
            [.. page.Take(pageSize).Select(TreeWatch.View)],
            page.Count > pageSize,
            [.. tree.Waiting.Take(pageSize).Select(peer => peer.Id)]);
    }

    /// <inheritdoc cref="IStreamGrain.Audience"/>
    public Reply<IReadOnlyList<ArrivalCommand>> Audience(IReadOnlyList<string> peerIds) =>
        Live is { } state ? new Reply<IReadOnlyList<ArrivalCommand>>(Refusal.None, state.Audience(peerIds)) : Unknown();

    /// <inheritdoc cref="IStreamGrain.ReadTree"/>
    public Reply<TreeSlice> ReadTree(int stripe, int from)
    {
        if (Live is not { } state)
            return Unknown();
        if (state.Tree(stripe) is null)
            return Refusal.InvalidStripe;
        var watch = state.Watch(stripe);
        watch.Watch(NowMs);
        var cursor = new TreeCursor(_epoch, watch.Last);
        var (peers, next) = state.Read(stripe, from, SliceSize);
        return new TreeSlice(cursor, watch.Figures, peers, next);
    }

    /// <inheritdoc cref="IStreamGrain.Changes"/>
    public Reply<TreeNews> Changes(int stripe, TreeCursor cursor)
    {
        if (Live is not { } state)
            return Unknown();
        if (state.Tree(stripe) is null)
            return Refusal.InvalidStripe;
        var watch = state.Watch(stripe);
        watch.Watch(NowMs);
        var now = new TreeCursor(_epoch, watch.Last);
        return new TreeNews(now, cursor.Epoch == _epoch ? watch.After(cursor.Number) : null);
    }

    public Reply<PlaceExplained> Explain(string peerId, int stripe)
    {
        if (Live is not { } state)
            return Unknown();
        if (state.Tree(stripe) is not { } tree)
            return Refusal.InvalidStripe;
        if (tree.Find(peerId) is not { } peer)
            return Refusal.UnknownPeer;
        var decision = tree.Explain(peerId);
        var candidates = (decision?.Candidates ?? []).Select(candidate => new CandidateView(
            candidate.PeerId,
            candidate.Depth,
            candidate.SpareSlots,
            candidate.SpareUplinkMbps,
            candidate.LatencyMs,
            candidate.Chosen,
            candidate.Verdict));
        return new PlaceExplained(TreeWatch.View(peer), peer.Reason, decision?.AtMs ?? peer.AssignedAtMs, [.. candidates]);
    }
}
