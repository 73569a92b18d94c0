using System.Runtime.InteropServices;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger;

/// <summary>Reads of the journal as it is committed: histories, receipts, balances at a moment.</summary>
internal sealed class Statements(IDbContextFactory<LedgerDb> databases)
{
    /// <summary>Transfers of an account that one page of tips looks through.</summary>
    private const int TipScan = 1_000;

    /// <summary>The transfers of an account, newest first.</summary>
    public async Task<Rpc.ListTransfersResponse> PageAsync(string accountId, uint pageSize, string pageToken, CancellationToken cancellationToken)
    {
        var size = PageToken.Size(pageSize);
        var before = PageToken.Read(pageToken, accountId) ?? long.MaxValue;
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var number = await NumberAsync(database, accountId, cancellationToken);
        var sides = await database.HistoryAsync(number, 0, before - 1, size + 1, newestFirst: true, cancellationToken);
        var found = await Entries(database, sides).OrderByDescending(entry => entry.Sequence).Take(size + 1).ToListAsync(cancellationToken);

        var page = new Rpc.ListTransfersResponse { Transfers = { found.Take(size).Select(Map) } };
        if (found.Count > size)
            page.NextPageToken = PageToken.Write(accountId, found[size - 1].Sequence);
        return page;
    }

    /// <summary>
    /// The tips that an account gave and got, newest first. Tips stand between all its other transfers, so each page looks
    /// through a bounded piece of them.
    /// </summary>
    public async Task<Rpc.ListTipsResponse> TipsAsync(string accountId, uint pageSize, string pageToken, CancellationToken cancellationToken)
    {
        var list = $"tips:{accountId}";
        var size = PageToken.Size(pageSize);
        var before = PageToken.Read(pageToken, list) ?? long.MaxValue;
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var number = await NumberAsync(database, accountId, cancellationToken);
        var sides = await database.HistoryAsync(number, 0, before - 1, TipScan, newestFirst: true, cancellationToken);
        var found = await Entries(database, sides).OrderByDescending(entry => entry.Sequence).Take(TipScan).ToListAsync(cancellationToken);

        var requests = found.GroupBy(entry => new Guid(entry.BatchId, bigEndian: true)).ToList();
        var more = found.Count == TipScan;
        // The piece may end within a tip: it is left to the next page, whole.
        if (more)
            requests.RemoveAt(requests.Count - 1);
        var page = new Rpc.ListTipsResponse();
        foreach (var (i, request) in requests.Index())
        {
            var first = request.First();
            before = request.Min(entry => entry.Sequence);
            if (first.Code != (int)TransferCode.Tip)
                continue;
            page.Tips.Add(new Rpc.TipEntry
            {
                TransferId = request.Key.ToString(),
                StreamId = first.Reference,
                FromAccountId = first.Debit,
                AmountMicrocredits = request.Sum(entry => entry.Amount),
                Given = first.Debit == accountId,
                BookedAt = Time(first.BookedAtMs),
            });
            if (page.Tips.Count < size)
                continue;
            more |= i < requests.Count - 1;
            break;
        }

        if (more)
            page.NextPageToken = PageToken.Write(list, before);
        return page;
    }

    /// <summary>
    /// What was booked under an id, or null. Whoever asked for it sees all of it; others see the transfers that are theirs,
    /// and without any it does not exist for them.
    /// </summary>
    /// <param name="all">For operators: all of it.</param>
    public async Task<Rpc.GetTransferResponse?> ReceiptAsync(Guid requestId, string accountId, bool all, CancellationToken cancellationToken)
    {
        var id = requestId.ToByteArray(bigEndian: true);
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var batch = await database.Batches.AsNoTracking().SingleOrDefaultAsync(found => found.BatchId == id, cancellationToken);
        if (batch is null)
            return null;
        var number = await NumberAsync(database, accountId, cancellationToken);
        all |= batch.Actor == accountId;
        var transfers = await Entries(database, database.Transfers.Where(transfer =>
                transfer.Sequence > batch.LastTransfer - batch.Legs && transfer.Sequence <= batch.LastTransfer && (all || transfer.Debit == number || transfer.Credit == number)))
            .OrderBy(entry => entry.Sequence).Take(PageToken.MaxPageSize).ToListAsync(cancellationToken);
        if (!all && transfers.Count == 0)
            return null;
        return new Rpc.GetTransferResponse
        {
            TransferId = requestId.ToString(),
            Code = (Rpc.TransferCode)batch.Code,
            ActorAccountId = batch.Actor,
            Reference = batch.Reference,
            BookedAt = Time(batch.BookedAtMs),
            Transfers = { transfers.Select(Map) },
            SquadVersion = batch.Code == (int)TransferCode.Tip ? (ulong)(batch.Window ?? 0) : 0,
        };
    }

    /// <summary>The balance of an account after a moment.</summary>
    public async Task<Rpc.GetBalanceResponse> BalanceAsync(string accountId, Moment at, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var number = await KnownAsync(database, accountId, cancellationToken);
        var last = await LastTransferAsync(database, at, whenNotGiven: long.MaxValue, cancellationToken);
        return new Rpc.GetBalanceResponse
        {
            AccountId = accountId,
            BalanceMicrocredits = await BalanceAfterAsync(database, number, last, cancellationToken),
            AtTransfer = last,
        };
    }

    /// <summary>The transfers of an account between two moments, oldest first.</summary>
    public async Task<Rpc.GetStatementResponse> StatementAsync(
        string accountId, Moment from, Moment to, uint pageSize, string pageToken, CancellationToken cancellationToken)
    {
        var size = PageToken.Size(pageSize);
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var number = await KnownAsync(database, accountId, cancellationToken);
        var first = await LastTransferAsync(database, from, whenNotGiven: 0, cancellationToken);
        var last = await LastTransferAsync(database, to, whenNotGiven: long.MaxValue, cancellationToken);
        if (last < first)
            throw LedgerErrors.InvalidMoment.Exception();
        var list = $"statement:{first}:{accountId}";
        var after = PageToken.Read(pageToken, list) ?? first;

        var sides = await database.HistoryAsync(number, after, last, size + 1, newestFirst: false, cancellationToken);
        var found = await Entries(database, sides).OrderBy(entry => entry.Sequence).Take(size + 1).ToListAsync(cancellationToken);
        var page = new Rpc.GetStatementResponse
        {
            AccountId = accountId,
            OpeningBalanceMicrocredits = await BalanceAfterAsync(database, number, first, cancellationToken),
            ClosingBalanceMicrocredits = await BalanceAfterAsync(database, number, last, cancellationToken),
            ToTransfer = last,
        };
        page.Entries.AddRange(found.Take(size).Select(entry => new Rpc.StatementEntry
        {
            Transfer = Map(entry),
            ChangeMicrocredits = entry.Debit == accountId ? -entry.Amount : entry.Amount,
            BalanceMicrocredits = entry.Debit == accountId ? entry.DebitBalance : entry.CreditBalance,
        }));
        if (found.Count > size)
            page.NextPageToken = PageToken.Write(list, found[size - 1].Sequence);
        return page;
    }

    public static Timestamp Time(long unixMs) => Timestamp.FromDateTimeOffset(DateTimeOffset.FromUnixTimeMilliseconds(unixMs));

    private static IQueryable<Entry> Entries(LedgerDb database, IQueryable<TransferRow> transfers) =>
        from transfer in transfers
        join batch in database.Batches on transfer.Batch equals batch.Sequence
        join debit in database.Accounts on transfer.Debit equals debit.Number
        join credit in database.Accounts on transfer.Credit equals credit.Number
        select new Entry
        {
            Sequence = transfer.Sequence,
            TransferId = transfer.TransferId,
            Debit = debit.AccountId,
            Credit = credit.AccountId,
            Amount = transfer.Amount,
            DebitBalance = transfer.DebitBalance,
            CreditBalance = transfer.CreditBalance,
            BatchId = batch.BatchId,
            Code = batch.Code,
            Reference = batch.Reference,
            BookedAtMs = batch.BookedAtMs,
        };

    private static Rpc.Transfer Map(Entry entry) => new()
    {
        TransferId = new Guid(entry.TransferId, bigEndian: true).ToString(),
        DebitAccountId = entry.Debit,
        CreditAccountId = entry.Credit,
        AmountMicrocredits = entry.Amount,
        Code = (Rpc.TransferCode)entry.Code,
        Reference = entry.Reference,
        BookedAt = Time(entry.BookedAtMs),
        Number = entry.Sequence,
        RequestId = new Guid(entry.BatchId, bigEndian: true).ToString(),
    };

    private static Task<int> NumberAsync(LedgerDb database, string accountId, CancellationToken cancellationToken) =>
        database.Accounts.Where(account => account.AccountId == accountId).Select(account => account.Number).FirstOrDefaultAsync(cancellationToken);

    private static async Task<int> KnownAsync(LedgerDb database, string accountId, CancellationToken cancellationToken) =>
        await NumberAsync(database, accountId, cancellationToken) is > 0 and var number ? number : throw LedgerErrors.UnknownAccount.Exception();

    /// <summary>
    /// The last transfer that is taken into account. The journal only grows and times grow with numbers, so a time is found
    /// by halving, without an index that every booking would pay for.
    /// </summary>
    private static async Task<long> LastTransferAsync(LedgerDb database, Moment moment, long whenNotGiven, CancellationToken cancellationToken)
    {
        var last = await database.Transfers.MaxAsync(transfer => (long?)transfer.Sequence, cancellationToken) ?? 0;
        if (moment.UnixMs == 0)
            return Math.Min(last, moment.Transfer == 0 ? whenNotGiven : moment.Transfer);
        var (low, high) = (0L, last);
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            var bookedAtMs = await (
                from transfer in database.Transfers
                join batch in database.Batches on transfer.Batch equals batch.Sequence
                where transfer.Sequence == middle
                select batch.BookedAtMs).SingleAsync(cancellationToken);
            if (bookedAtMs <= moment.UnixMs)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }

    /// <summary>The latest transfer on either side left it.</summary>
    private static async Task<long> BalanceAfterAsync(LedgerDb database, int account, long last, CancellationToken cancellationToken)
    {
        var sides = await database.HistoryAsync(account, 0, last, 1, newestFirst: true, cancellationToken);
        return await sides.OrderByDescending(transfer => transfer.Sequence)
            .Select(transfer => transfer.Debit == account ? transfer.DebitBalance : transfer.CreditBalance).FirstOrDefaultAsync(cancellationToken);
    }

    /// <summary>A transfer with all that is shown of it.</summary>
    private sealed class Entry
    {
        public long Sequence { get; init; }
        public required byte[] TransferId { get; init; }
        public required string Debit { get; init; }
        public required string Credit { get; init; }
        public long Amount { get; init; }
        public long DebitBalance { get; init; }
        public long CreditBalance { get; init; }
        public required byte[] BatchId { get; init; }
        public int Code { get; init; }
        public required string Reference { get; init; }
        public long BookedAtMs { get; init; }
    }
}

/// <summary>A moment of the ledger: a time, or the number of a transfer; with neither, not given.</summary>
/// <param name="UnixMs">After everything that was booked at this time or before; 0 = not given.</param>
/// <param name="Transfer">After this transfer; 0 = not given.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Moment(long UnixMs, long Transfer);
