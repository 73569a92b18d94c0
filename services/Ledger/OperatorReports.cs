using Beacon.Ledger.Journal;
using Microsoft.EntityFrameworkCore;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger;

/// <summary>What operators see besides what everybody sees.</summary>
internal sealed class OperatorReports(IDbContextFactory<LedgerDb> databases)
{
    private const int FreezesShown = 50;

    /// <summary>All balances added up. One statement, so that it sees one instant; it does not keep the writer waiting.</summary>
    public async Task<Rpc.GetTotalsResponse> TotalsAsync(CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var kinds = await database.Database.SqlQuery<KindRow>(
            $"""
            SELECT kind AS "Kind", count(*) AS "Accounts", CAST(sum(balance) AS bigint) AS "Balance",
                   (SELECT CAST(coalesce(sum(amount), 0) AS bigint) FROM pending_transfers WHERE state = 1) AS "Held",
                   (SELECT CAST(coalesce(sum(withheld), 0) AS bigint) FROM relay_standings) AS "Withheld",
                   (SELECT coalesce(max(sequence), 0) FROM transfers) AS "LastTransfer",
                   (SELECT coalesce((SELECT booked_at_ms FROM batches ORDER BY sequence DESC LIMIT 1), 0)) AS "BookedAtMs"
            FROM accounts JOIN balances ON account = number GROUP BY kind
            """).OrderBy(row => row.Kind).ToListAsync(cancellationToken);
        var totals = new Rpc.GetTotalsResponse { SumMicrocredits = kinds.Sum(row => row.Balance) };
        totals.Kinds.AddRange(kinds.Select(row => new Rpc.KindTotal { Kind = (Rpc.AccountKind)row.Kind, Accounts = (uint)row.Accounts, BalanceMicrocredits = row.Balance }));
        if (kinds is not [var any, ..])
            return totals;
        totals.HeldMicrocredits = any.Held;
        totals.WithheldMicrocredits = any.Withheld;
        totals.AtTransfer = any.LastTransfer;
        totals.BookedAt = Statements.Time(any.BookedAtMs);
        return totals;
    }

    /// <summary>The freezes of an account and their ends, newest first.</summary>
    public async Task<IReadOnlyList<Rpc.FreezeEntry>> FreezesAsync(int account, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await database.Freezes.AsNoTracking().Where(row => row.Account == account).OrderByDescending(row => row.Sequence).Take(FreezesShown).ToListAsync(cancellationToken);
        return [.. rows.Select(row => new Rpc.FreezeEntry { Frozen = row.Frozen, OperatorAccountId = row.Actor, Note = row.Note, SetAt = Statements.Time(row.SetAtMs) })];
    }

    /// <summary>Work that was not paid for, newest first.</summary>
    public async Task<Rpc.ListRefusedWorkResponse> RefusedAsync(Rpc.ListRefusedWorkRequest request, CancellationToken cancellationToken)
    {
        var list = $"refused:{request.StreamId}:{request.AccountId}";
        var size = PageToken.Size(request.PageSize);
        var before = PageToken.Read(request.PageToken, list) ?? long.MaxValue;
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var rows = database.RefusedWork.AsNoTracking().Where(row => row.Sequence < before);
        if (request.StreamId.Length > 0)
            rows = rows.Where(row => row.StreamId == request.StreamId);
        if (request.AccountId.Length > 0)
            rows = rows.Where(row => row.AccountId == request.AccountId);
        var found = await rows.OrderByDescending(row => row.Sequence).Take(size + 1).ToListAsync(cancellationToken);
        var page = new Rpc.ListRefusedWorkResponse();
        page.Work.AddRange(found.Take(size).Select(row => new Rpc.RefusedWork
        {
            StreamId = row.StreamId,
            Window = row.Window,
            AccountId = row.AccountId,
            Reason = (Rpc.RefusalReason)row.Reason,
            WorkBytes = row.Bytes,
            WithheldMicrocredits = row.Microcredits,
            NotedAt = Statements.Time(row.NotedAtMs),
        }));
        if (found.Count > size)
            page.NextPageToken = PageToken.Write(list, found[size - 1].Sequence);
        return page;
    }

    private sealed class KindRow
    {
        public int Kind { get; init; }
        public long Accounts { get; init; }
        public long Balance { get; init; }
        public long Held { get; init; }
        public long Withheld { get; init; }
        public long LastTransfer { get; init; }
        public long BookedAtMs { get; init; }
    }
}
