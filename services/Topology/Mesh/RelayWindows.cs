using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Beacon.Topology.Mesh;

/// <summary>Who is at one end of an edge when its work is counted.</summary>
internal sealed record Party(string PeerId, string AccountId, string AddressBlock);

/// <summary>What a window is settled by.</summary>
/// <param name="ExcludeSameAddressBlock">Work between peers of one address block pays nothing, as work within one account never does.</param>
internal sealed record SettlementRules(int WindowMs, bool ExcludeSameAddressBlock);

/// <summary>Verified work of one account in one window.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct AccountWork(string AccountId, long Bytes);

/// <summary>A settled window.</summary>
/// <param name="Viewers">Peers that answered the challenge.</param>
internal sealed record Settlement(long Window, int Viewers, IReadOnlyList<AccountWork> Work);

/// <summary>What a child got from its parent in a closed window.</summary>
/// <param name="WholeWindow">False when the edge is younger than the window: then little was to be expected.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Delivery(string ParentId, string ChildId, long ReceivedBytes, long VerifiedBytes, bool WholeWindow, int Stripe = 0);

/// <summary>
/// Verified relay work of one stream. Counters are cumulative, so a lost report costs nothing and a repeated one pays nothing;
/// the first value of a counter is only where counting starts. The work of an edge is what both ends say has been moved: the
/// lesser of claim and receipt, and it counts when the child answers the window's challenge. A window is settled once, one window
/// after it closed, so that late answers count.
/// </summary>
internal sealed class RelayWindows(SettlementRules rules)
{
    private readonly Dictionary<(string Child, int Stripe), Edge> _edges = [];
    private readonly SortedDictionary<long, Open> _open = [];

    /// <summary>The last settled window; none before it is ever settled again.</summary>
    public long LastSettled { get; private set; } = long.MinValue;

    /// <summary>The window that takes reports now; what is before it is closed.</summary>
    public long Current { get; private set; } = long.MinValue;

    public long WindowOf(long nowMs) => nowMs / rules.WindowMs;

    /// <summary>Takes up where a former owner stopped: windows up to this one are settled, and the present one is counted from here.</summary>
    public void Resume(long lastSettled, long nowMs)
    {
        LastSettled = lastSettled;
        Current = WindowOf(nowMs);
    }

    /// <summary>An edge of the tree begins: its counters start anew.</summary>
    public void EdgeAssigned(Party parent, Party child, int stripe, long nowMs)
    {
        EdgeDropped(child.PeerId, stripe);
        _edges[(child.PeerId, stripe)] = new Edge(parent, child, nowMs);
    }

    /// <summary>An edge of the tree is over. What it moved in the present window stays to be settled.</summary>
    public void EdgeDropped(string childId, int stripe)
    {
        if (!_edges.Remove((childId, stripe), out var edge))
            return;
        if (edge.TakeGrowth() is { Verified: > 0 } growth && Current > LastSettled)
            OpenWindow(Current).Work.Add(new Work(edge.Parent, edge.Child, growth.Verified));
    }

    /// <summary>What a child says it received. Ignored when it names another parent than its own.</summary>
    public void Received(string childId, string parentId, int stripe, long totalBytes)
    {
        if (_edges.TryGetValue((childId, stripe), out var edge) && edge.Parent.PeerId == parentId)
            edge.Receipt.Count(totalBytes);
    }

    /// <summary>What a parent says it sent. Ignored when the child is not its own.</summary>
    public void Claimed(string parentId, string childId, int stripe, long totalBytes)
    {
        if (_edges.TryGetValue((childId, stripe), out var edge) && edge.Parent.PeerId == parentId)
            edge.Claim.Count(totalBytes);
    }

    /// <summary>The challenge of a window. The first one stands: a second nonce would void answers that are under way.</summary>
    public bool Challenge(long window, Challenge challenge)
    {
        if (window <= LastSettled || OpenWindow(window) is not { Challenge: null } open)
            return false;
        open.Challenge = challenge;
        return true;
    }

    public bool IsChallenged(long window) => _open.TryGetValue(window, out var open) && open.Challenge is not null;

    /// <summary>A peer's answer; one window late is in time. True when it is right.</summary>
    public bool Answered(string peerId, long window, ReadOnlySpan<byte> hmac)
    {
        if (!_open.TryGetValue(window, out var open) || open.Challenge is not { } challenge || !challenge.IsAnsweredBy(peerId, hmac))
            return false;
        open.Answered.Add(peerId);
        return true;
    }

    public bool HasAnswered(string peerId, long window) => _open.TryGetValue(window, out var open) && open.Answered.Contains(peerId);

    /// <summary>Closes the present window when the clock has left it.</summary>
    /// <returns>What each edge delivered in it, or null when it goes on.</returns>
    public IReadOnlyList<Delivery>? Advance(long nowMs)
    {
        var window = WindowOf(nowMs);
        if (Current == long.MinValue)
            Current = window;
        if (window <= Current)
            return null;
        var deliveries = Close();
        Current = window;
        return deliveries;
    }

    /// <summary>The windows that are due: closed for a whole window.</summary>
    /// <param name="capBytes">The most that a parent can have sent in one window.</param>
    public IReadOnlyList<Settlement> Settle(Func<string, long> capBytes) => SettleBefore(Current - 1, capBytes);

    /// <summary>Closes and settles everything, with the answers that came: the stream is over.</summary>
    public IReadOnlyList<Settlement> SettleAll(Func<string, long> capBytes)
    {
        if (Current == long.MinValue)
            return [];
        Close();
        var settled = SettleBefore(Current + 1, capBytes);
        Current++;
        return settled;
    }

    private List<Delivery> Close()
    {
        var start = Current * rules.WindowMs;
        var deliveries = new List<Delivery>(_edges.Count);
        var open = OpenWindow(Current);
        foreach (var ((_, stripe), edge) in _edges)
        {
            var (received, verified) = edge.TakeGrowth();
            deliveries.Add(new Delivery(edge.Parent.PeerId, edge.Child.PeerId, received, verified, edge.SinceMs <= start, stripe));
            if (verified > 0)
                open.Work.Add(new Work(edge.Parent, edge.Child, verified));
        }

        return deliveries;
    }

    private List<Settlement> SettleBefore(long window, Func<string, long> capBytes)
    {
        var settled = new List<Settlement>();
        while (_open.Count > 0 && _open.First() is var (number, open) && number < window)
        {
            _open.Remove(number);
            if (number <= LastSettled)
                continue;
            LastSettled = number;
            settled.Add(Settle(number, open, capBytes));
        }

        return settled;
    }

    private Settlement Settle(long number, Open open, Func<string, long> capBytes)
    {
        var byParent = new SortedDictionary<string, (string Account, long Bytes)>(StringComparer.Ordinal);
        foreach (var work in open.Work)
        {
            if (!open.Answered.Contains(work.Child.PeerId) || !Pays(work.Parent, work.Child))
                continue;
            var before = byParent.GetValueOrDefault(work.Parent.PeerId);
            byParent[work.Parent.PeerId] = (work.Parent.AccountId, before.Bytes + work.Bytes);
        }

        var byAccount = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (parentId, (account, bytes)) in byParent)
        {
            var capped = Math.Min(bytes, capBytes(parentId));
            if (capped > 0)
                byAccount[account] = byAccount.GetValueOrDefault(account) + capped;
        }

        return new Settlement(number, open.Answered.Count, [.. byAccount.Select(work => new AccountWork(work.Key, work.Value))]);
    }

    private bool Pays(Party parent, Party child) =>
        parent.AccountId != child.AccountId
        && !(rules.ExcludeSameAddressBlock && parent.AddressBlock.Length > 0 && parent.AddressBlock == child.AddressBlock);

    private Open OpenWindow(long window)
    {
        if (!_open.TryGetValue(window, out var open))
            _open[window] = open = new Open();
        return open;
    }

    private sealed record Work(Party Parent, Party Child, long Bytes);

    private sealed class Open
    {
        public Challenge? Challenge { get; set; }

        public HashSet<string> Answered { get; } = new(StringComparer.Ordinal);

        public List<Work> Work { get; } = [];
    }

    private sealed class Edge(Party parent, Party child, long sinceMs)
    {
        private long _receivedBefore;
        private long _verifiedBefore;

        public Party Parent { get; } = parent;

        public Party Child { get; } = child;

        public long SinceMs { get; } = sinceMs;

        public Counter Receipt { get; } = new();

        public Counter Claim { get; } = new();

        /// <summary>
        /// Growth since the last call. The lesser of the two totals, not of two growths: the ends report at different moments, and what one
        /// end reports late is made up for in the next window.
        /// </summary>
        public (long Received, long Verified) TakeGrowth()
        {
            var verified = Math.Min(Receipt.Growth, Claim.Growth);
            var growth = (Receipt.Growth - _receivedBefore, verified - _verifiedBefore);
            _receivedBefore = Receipt.Growth;
            _verifiedBefore = verified;
            return growth;
        }
    }

    /// <summary>A cumulative counter of an untrusted peer: never falls, starts at its first value.</summary>
    private sealed class Counter
    {
        private long _first = -1;

        public long Growth { get; private set; }

        public void Count(long total)
        {
            if (total < 0)
                return;
            if (_first < 0)
                _first = total;
            Growth = Math.Max(Growth, total - _first);
        }
    }
}

/// <summary>What proves in one window that a peer receives the stream.</summary>
/// <param name="Nonce">The HMAC key.</param>
/// <param name="Digest">The digest of the chunk, as the root announced it.</param>
internal sealed record Challenge(int Stripe, uint Sequence, byte[] Nonce, byte[] Digest)
{
    public const int AnswerBytes = 32;

    /// <summary>HMAC-SHA-256, key = nonce, message = digest, then the peer's id in ASCII, so that one peer's answer is of no use to another.</summary>
    public byte[] Answer(string peerId) => HMACSHA256.HashData(Nonce, (byte[])[.. Digest, .. Encoding.ASCII.GetBytes(peerId)]);

    public bool IsAnsweredBy(string peerId, ReadOnlySpan<byte> hmac) => CryptographicOperations.FixedTimeEquals(Answer(peerId), hmac);
}
