using System.Text.Json;
using Beacon.Ledger.Books;

namespace Beacon.Ledger.Journal;

/// <summary>
/// Everything that a decision may look at, in memory, and the notes of what it changed. Owned by the writer: only its
/// decisions see it, one after the other.
/// </summary>
internal sealed partial class LedgerState
{
    /// <summary>Some seconds of a ledger that is as busy as it can be.</summary>
    private const int TimedIdsKept = 131_072;

    /// <summary>So far ahead of the latest booking a start looks for ids, made by clocks that are wrong; beyond, every id is looked up.</summary>
    private const long YearMs = 366L * 24 * 3_600_000;

    private readonly LedgerStore _store;
    private readonly TimedIds _ids;
    private readonly Dictionary<string, StreamRecord> _live;
    private readonly Dictionary<string, List<Sponsorship>> _active = new(StringComparer.Ordinal);
    private readonly Book _book;
    private long _lastOutbox;

    private LedgerState(LedgerStore store, LedgerOptions options)
    {
        _store = store;
        Options = options;
        var (batch, transfer, outbox) = store.LoadSequences();
        _lastOutbox = outbox;
        _book = new Book(store.LoadAccounts(), batch, transfer, options.RecentTransfersKept, FindOlder, store.LoadPending, FindResolved);
        NowMs = store.LoadLastBookedAtMs();
        var untilMs = batch == 0 ? TimedIds.EndMs : NowMs + YearMs;
        _ids = new TimedIds(TimedIdsKept, store.LastTimedId(NowMs, untilMs) is { } last ? TimedIds.TimeOf(last)!.Value + 1 : NowMs, untilMs);
        LoadOperations();
        _live = store.LoadLiveStreams().ToDictionary(stream => stream.StreamId, StringComparer.Ordinal);
        foreach (var sponsorship in store.LoadActiveSponsorships())
            Active(sponsorship.StreamId).Add(sponsorship);
    }

    public LedgerOptions Options { get; }

    /// <summary>The server's clock when the group began, Unix milliseconds. Never goes back, so that times grow with numbers.</summary>
    public long NowMs { get; private set; }

    public Changes Changes { get; private set; } = new();

    public static LedgerState Load(LedgerStore store, LedgerOptions options) => new(store, options);

    /// <summary>Starts the notes of a new group.</summary>
    public void Begin(long nowMs)
    {
        NowMs = Math.Max(NowMs, nowMs);
        Changes = Changes.Next();
        Expire();
        if (_book.Find(AccountIds.Treasury) is not null)
            return;
        Open(AccountIds.Treasury, AccountKind.Treasury, mayGoNegative: true, "Treasury");
        Open(AccountIds.RelayIssuance, AccountKind.RelayIssuance, mayGoNegative: true, "Relay issuance");
    }

    /// <summary>True when no look into the journal is needed to know that the id is new.</summary>
    public bool IsNew(Guid batchId) => _ids.IsNew(batchId);

    public Account? Find(string accountId) => _book.Find(accountId);

    /// <summary>The wallet of an account, opened on first sight. The name counts only then.</summary>
    public Account Wallet(string accountId, string displayName) =>
        _book.Find(accountId) ?? Open(accountId, AccountKind.Wallet, mayGoNegative: false, displayName);

    public Account OpenEscrow(Sponsorship sponsorship) =>
        Open(sponsorship.EscrowAccountId, AccountKind.Escrow, mayGoNegative: false, "");

    /// <summary>The account in which the parts of a window find their sponsor money; opened on first sight.</summary>
    public Account RelayShares() =>
        _book.Find(AccountIds.RelayShares) ?? Open(AccountIds.RelayShares, AccountKind.Escrow, mayGoNegative: false, "Relay shares");

    public void Rename(Account account, string displayName)
    {
        if (account.DisplayName == displayName)
            return;
        Book.Rename(account, displayName);
        Changes.Renamed.Add(account);
    }

    /// <summary>What a former request of this id got, or null when there was none.</summary>
    public Posting? Replay(Guid batchId, TransferCode code, Guid content, long? amount) => _book.Replay(batchId, code, content, amount);

    /// <summary>Books the batch. Its events follow from the journal and are not noted.</summary>
    public Posting Post(TransferBatch batch) => Note(batch, _book.Post(batch, NowMs));

    private Posting Note(TransferBatch batch, Posting posting)
    {
        if (posting is not { Status: PostingStatus.Posted, Batch: { } posted })
            return posting;
        _ids.Add(posted.Id);
        Changes.Batches.Add((batch, posted));
        foreach (var transfer in posted.Transfers)
        {
            Changes.Touched.Add(transfer.Debit);
            Changes.Touched.Add(transfer.Credit);
        }

        return posting;
    }

    /// <summary>Puts an event that does not follow from the journal into the outbox.</summary>
    public void Announce<TEvent>(Func<long, TEvent> make)
    {
        var message = make(++_lastOutbox);
        Changes.Outbox.Add(new OutboxMessage(_lastOutbox, typeof(TEvent).Name, JsonSerializer.Serialize(message)));
    }

    /// <summary>What is known of a stream; those that ended are looked up in the file.</summary>
    public StreamRecord? Stream(string streamId) =>
        _live.GetValueOrDefault(streamId) ?? Changes.Streams.GetValueOrDefault(streamId) ?? _store.FindStream(streamId);

    public void Save(StreamRecord stream)
    {
        Changes.Streams[stream.StreamId] = stream;
        if (stream.IsLive)
            _live[stream.StreamId] = stream;
        else
            _live.Remove(stream.StreamId);
    }

    public IReadOnlyList<Sponsorship> ActiveSponsorships(string streamId) =>
        _active.TryGetValue(streamId, out var active) ? [.. active] : [];

    public void Save(Sponsorship sponsorship)
    {
        Changes.Sponsorships[sponsorship.Id] = sponsorship;
        var active = Active(sponsorship.StreamId);
        active.RemoveAll(other => other.Id == sponsorship.Id);
        if (sponsorship.State == SponsorshipState.Active)
            active.Add(sponsorship);
        if (active.Count == 0)
            _active.Remove(sponsorship.StreamId);
    }

    private Account Open(string accountId, AccountKind kind, bool mayGoNegative, string displayName)
    {
        var account = _book.Open(accountId, kind, mayGoNegative, displayName, NowMs);
        Changes.Opened.Add(account);
        Changes.Touched.Add(account);
        return account;
    }

    private PostedBatch? FindOlder(Guid batchId) => _ids.IsNew(batchId) ? null : _store.FindBatch(batchId, id => _book.Find(id)!);

    private List<Sponsorship> Active(string streamId)
    {
        if (!_active.TryGetValue(streamId, out var active))
            _active[streamId] = active = [];
        return active;
    }
}
