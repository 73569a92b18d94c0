using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Microsoft.EntityFrameworkCore;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger;

/// <summary>Reads of withdrawals as they are committed.</summary>
internal sealed class Withdrawals(IDbContextFactory<LedgerDb> databases, TimeProvider clock)
{
    /// <summary>The withdrawals of an account, newest first.</summary>
    public async Task<Rpc.ListWithdrawalsResponse> PageAsync(string accountId, uint pageSize, string pageToken, CancellationToken cancellationToken)
    {
        var list = $"withdrawals:{accountId}";
        var size = PageToken.Size(pageSize);
        var before = PageToken.Read(pageToken, list) ?? long.MaxValue;
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var found = await Rows(database).Where(row => row.AccountId == accountId && row.Pending.Number < before)
            .OrderByDescending(row => row.Pending.Number).Take(size + 1).ToListAsync(cancellationToken);
        var page = new Rpc.ListWithdrawalsResponse { Withdrawals = { found.Take(size).Select(Map) } };
        if (found.Count > size)
            page.NextPageToken = PageToken.Write(list, found[size - 1].Pending.Number);
        return page;
    }

    /// <summary>The withdrawals of all accounts in one state, oldest first.</summary>
    public async Task<Rpc.ListAllWithdrawalsResponse> PageAllAsync(PendingState state, uint pageSize, string pageToken, CancellationToken cancellationToken)
    {
        var list = $"all-withdrawals:{state}";
        var size = PageToken.Size(pageSize);
        var after = PageToken.Read(pageToken, list) ?? 0;
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var found = await Rows(database).Where(row => row.Pending.State == (int)state && row.Pending.Number > after)
            .OrderBy(row => row.Pending.Number).Take(size + 1).ToListAsync(cancellationToken);
        var page = new Rpc.ListAllWithdrawalsResponse { Withdrawals = { found.Take(size).Select(Map) } };
        if (found.Count > size)
            page.NextPageToken = PageToken.Write(list, found[size - 1].Pending.Number);
        return page;
    }

    public static Rpc.Withdrawal Map(PendingTransfer pending) => new()
    {
        WithdrawalId = pending.Id.ToString(),
        AccountId = pending.Debit.Id,
        AmountMicrocredits = pending.Amount,
        State = (Rpc.WithdrawalState)pending.State,
        RequestedAt = Statements.Time(pending.CreatedAtMs),
        ExpiresAt = Statements.Time(pending.ExpiresAtMs),
        ResolvedAt = pending.ResolvedAtMs is { } at ? Statements.Time(at) : null,
    };

    private static IQueryable<Row> Rows(LedgerDb database) =>
        from pending in database.PendingTransfers.AsNoTracking()
        join debit in database.Accounts on pending.Debit equals debit.Number
        select new Row { Pending = pending, AccountId = debit.AccountId };

    private Rpc.Withdrawal Map(Row row)
    {
        var pending = row.Pending;
        // The writer notes an expiry when it is awake next; who reads meanwhile is told already.
        var overdue = pending.State == (int)PendingState.Pending && pending.ExpiresAtMs <= clock.GetUtcNow().ToUnixTimeMilliseconds();
        var resolvedAtMs = overdue ? pending.ExpiresAtMs : pending.ResolvedAtMs;
        return new Rpc.Withdrawal
        {
            WithdrawalId = new Guid(pending.PendingId, bigEndian: true).ToString(),
            AccountId = row.AccountId,
            AmountMicrocredits = pending.Amount,
            State = overdue ? Rpc.WithdrawalState.Expired : (Rpc.WithdrawalState)pending.State,
            RequestedAt = Statements.Time(pending.CreatedAtMs),
            ExpiresAt = Statements.Time(pending.ExpiresAtMs),
            ResolvedAt = resolvedAtMs is { } at ? Statements.Time(at) : null,
        };
    }

    private sealed class Row
    {
        public required PendingTransferRow Pending { get; init; }

        public required string AccountId { get; init; }
    }
}
