using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Beacon.Topology.Mesh;

/// <summary>Who is at one end of an edge when its work is counted.</summary>
internal sealed record Party(string PeerId, string AccountId, string AddressBlock);

/// <summary>What a window is settled by.</summary>
/// <param name="ExcludeSameAddressBlock">Work between peers of one address block pays nothing, as work within one account never does.</param>
internal sealed record SettlementRules(int WindowMs, bool ExcludeSameAddressBlock);

/// <summary>Work of one account in one window.</summary>
/// <param name="Bytes">What is verified.</param>
/// <param name="ReceiptAccounts">Accounts whose receipts that rests on.</param>
/// <param name="Refused">What earns nothing.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct AccountWork(string AccountId, long Bytes, int ReceiptAccounts, RefusedBytes Refused);

/// <summary>Bytes that were moved and earn nothing, by reason.</summary>
/// <param name="SameAccount">Both ends are one account.</param>
/// <param name="SameAddressBlock">Both ends are in one address block.</param>
/// <param name="Unanswered">The child did not answer the challenge.</param>
/// <param name="OverSlots">Beyond what the parent can have sent.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RefusedBytes(long SameAccount, long SameAddressBlock, long Unanswered, long OverSlots);

/// <summary>A settled window.</summary>
/// <param name="Viewers">Peers that answered the challenge.</param>
/// <param name="ConsumedBytes">What they verifiably received, from whomever.</param>
internal sealed record Settlement(long Window, int Viewers, IReadOnlyList<AccountWork> Work, long ConsumedBytes);

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
    private readonly List<Delivery> _deliveries = [];

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
        ref var edge = ref CollectionsMarshal.GetValueRefOrAddDefault(_edges, (child.PeerId, stripe), out _);
        if (edge is not null)
            Close(edge);
        edge = new Edge(parent, child, nowMs);
    }

    /// <summary>An edge of the tree is over. What it moved in the present window stays to be settled.</summary>
    public void EdgeDropped(string childId, int stripe)
    {
        if (_edges.Remove((childId, stripe), out var edge))
            Close(edge);
    }

    /// <summary>What a child says it received. Ignored when it names another parent than its own.</summary>
    public void Received(string childId, string parentId, int stripe, long totalBytes)
    {
        if (_edges.TryGetValue((childId, stripe), out var edge) && edge.Parent.PeerId == parentId)
            edge.Received(totalBytes);
    }

    /// <summary>What a parent says it sent. Ignored when the child is not its own.</summary>
    public void Claimed(string parentId, string childId, int stripe, long totalBytes)
    {
        if (_edges.TryGetValue((childId, stripe), out var edge) && edge.Parent.PeerId == parentId)
            edge.Claimed(totalBytes);
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
    /// <returns>What each edge delivered in it, until the next call; null when it goes on.</returns>
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

    private void Close(Edge edge)
    {
        if (edge.TakeGrowth() is { Verified: > 0 } growth && Current > LastSettled)
            OpenWindow(Current).Work.Add(new Work(edge.Parent, edge.Child, growth.Verified));
    }

    private List<Delivery> Close()
    {
        var start = Current * rules.WindowMs;
        _deliveries.Clear();
        var open = OpenWindow(Current);
        foreach (var ((_, stripe), edge) in _edges)
        {
            var (received, verified) = edge.TakeGrowth();
            _deliveries.Add(new Delivery(edge.Parent.PeerId, edge.Child.PeerId, received, verified, edge.SinceMs <= start, stripe));
            if (verified > 0)
                open.Work.Add(new Work(edge.Parent, edge.Child, verified));
        }

        return _deliveries;
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
        var consumed = 0L;
        var byParent = new SortedDictionary<string, Sent>(StringComparer.Ordinal);
        foreach (var work in open.Work)
        {
            if (!byParent.TryGetValue(work.Parent.PeerId, out var sent))
                byParent[work.Parent.PeerId] = sent = new Sent(work.Parent.AccountId);
            var answered = open.Answered.Contains(work.Child.PeerId);
            consumed += answered ? work.Bytes : 0;
            if (!answered)
                sent.Refused = sent.Refused with { Unanswered = sent.Refused.Unanswered + work.Bytes };
            else if (work.Parent.AccountId == work.Child.AccountId)
                sent.Refused = sent.Refused with { SameAccount = sent.Refused.SameAccount + work.Bytes };
            else if (ShareBlock(work.Parent, work.Child))
                sent.Refused = sent.Refused with { SameAddressBlock = sent.Refused.SameAddressBlock + work.Bytes };
            else
                sent.Add(work.Child.AccountId, work.Bytes);
        }

        var byAccount = new SortedDictionary<string, Sent>(StringComparer.Ordinal);
        foreach (var (parentId, sent) in byParent)
        {
            // Who may earn nothing at all is no relay, and nothing was refused to it.
            if (capBytes(parentId) is var cap && cap == 0)
                continue;
            if (!byAccount.TryGetValue(sent.AccountId, out var account))
                byAccount[sent.AccountId] = account = new Sent(sent.AccountId);
            account.Take(sent, cap);
        }

        return new Settlement(number, open.Answered.Count, [.. byAccount.Values.Where(account => !account.IsEmpty).Select(account => account.Work)], consumed);
    }

    private bool ShareBlock(Party parent, Party child) =>
        rules.ExcludeSameAddressBlock && parent.AddressBlock.Length > 0 && parent.AddressBlock == child.AddressBlock;

    private Open OpenWindow(long window)
    {
        if (!_open.TryGetValue(window, out var open))
            _open[window] = open = new Open();
        return open;
    }

    private sealed record Work(Party Parent, Party Child, long Bytes);

    /// <summary>What one peer, or one account, moved in a window.</summary>
    private sealed class Sent(string accountId)
    {
        private readonly HashSet<string> _receipts = new(StringComparer.Ordinal);
        private long _bytes;

        public string AccountId => accountId;

        public RefusedBytes Refused { get; set; }

        public bool IsEmpty => _bytes == 0 && Refused == default;

        public AccountWork Work => new(accountId, _bytes, _receipts.Count, Refused);

        public void Add(string receiver, long bytes)
        {
            _bytes += bytes;
            _receipts.Add(receiver);
        }

        /// <summary>Adds what a peer moved, up to the most that it can have sent.</summary>
        public void Take(Sent peer, long cap)
        {
            var bytes = Math.Min(peer._bytes, cap);
            _bytes += bytes;
            _receipts.UnionWith(peer._receipts);
            Refused = new RefusedBytes(
                Refused.SameAccount + peer.Refused.SameAccount,
                Refused.SameAddressBlock + peer.Refused.SameAddressBlock,
                Refused.Unanswered + peer.Refused.Unanswered,
                Refused.OverSlots + peer.Refused.OverSlots + peer._bytes - bytes);
        }
    }

    private sealed class Open
    {
        public Challenge? Challenge { get; set; }

        public HashSet<string> Answered { get; } = new(StringComparer.Ordinal);

        public List<Work> Work { get; } = [];
    }

    private sealed class Edge(Party parent, Party child, long sinceMs)
    {
        private Counter _receipt = new();
        private Counter _claim = new();
        private long _receivedBefore;
        private long _verifiedBefore;

        public Party Parent { get; } = parent;

        public Party Child { get; } = child;

        public long SinceMs { get; } = sinceMs;

        public void Received(long total) => _receipt.Count(total);

        public void Claimed(long total) => _claim.Count(total);

        /// <summary>
        /// Growth since the last call. The lesser of the two totals, not of two growths: the ends report at different moments, and what one
        /// end reports late is made up for in the next window.
        /// </summary>
        public (long Received, long Verified) TakeGrowth()
        {
            var verified = Math.Min(_receipt.Growth, _claim.Growth);
            var growth = (_receipt.Growth - _receivedBefore, verified - _verifiedBefore);
            _receivedBefore = _receipt.Growth;
            _verifiedBefore = verified;
            return growth;
        }
    }

    /// <summary>A cumulative counter of an untrusted peer: never falls, starts at its first value.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct Counter()
    {
        private long _first = -1;

        public long Growth { get; private set; } = 0;

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
