using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger;

/// <summary>Reads of what is committed: the statement of a wallet, a sponsorship.</summary>
internal sealed class Statements(IDbContextFactory<LedgerDb> databases)
{
    public const int DefaultPageSize = 50;
    public const int MaxPageSize = 200;

    /// <summary>The transfers of an account, newest first.</summary>
    /// <param name="pageSize">0 = 50.</param>
    public async Task<Rpc.ListTransfersResponse> PageAsync(string accountId, uint pageSize, string pageToken, CancellationToken cancellationToken)
    {
        if (pageSize > MaxPageSize)
            throw CommonErrors.InvalidPageSize.Exception("A page has 1 to 200 transfers; 0 means 50.");
        var size = pageSize == 0 ? DefaultPageSize : (int)pageSize;
        var before = PageToken.Read(pageToken, accountId);
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var number = await database.Accounts.Where(account => account.AccountId == accountId).Select(account => account.Number).FirstOrDefaultAsync(cancellationToken);

        // Two walks down an index each; one OR over both sides would have SQLite sort the whole history.
        var debits = database.Transfers.Where(transfer => transfer.Debit == number && transfer.Sequence < before).OrderByDescending(transfer => transfer.Sequence).Take(size + 1);
        var credits = database.Transfers.Where(transfer => transfer.Credit == number && transfer.Sequence < before).OrderByDescending(transfer => transfer.Sequence).Take(size + 1);
        var found = await (
            from transfer in debits.Concat(credits)
            join batch in database.Batches on transfer.Batch equals batch.Sequence
            join debit in database.Accounts on transfer.Debit equals debit.Number
            join credit in database.Accounts on transfer.Credit equals credit.Number
            orderby transfer.Sequence descending
            select new { transfer.Sequence, transfer.TransferId, transfer.Amount, Debit = debit.AccountId, Credit = credit.AccountId, batch.Code, batch.Reference, batch.BookedAtMs })
            .Take(size + 1)
            .ToListAsync(cancellationToken);

        var page = new Rpc.ListTransfersResponse();
        page.Transfers.AddRange(found.Take(size).Select(row => new Rpc.Transfer
        {
            TransferId = new Guid(row.TransferId, bigEndian: true).ToString(),
            DebitAccountId = row.Debit,
            CreditAccountId = row.Credit,
            AmountMicrocredits = row.Amount,
            Code = (Rpc.TransferCode)row.Code,
            Reference = row.Reference,
            BookedAt = Timestamp.FromDateTimeOffset(DateTimeOffset.FromUnixTimeMilliseconds(row.BookedAtMs)),
        }));
        if (found.Count > size)
            page.NextPageToken = PageToken.Write(accountId, found[size - 1].Sequence);
        return page;
    }

    /// <summary>A sponsorship of this sponsor, or null: that of another does not exist for the caller.</summary>
    public async Task<Sponsorship?> FindSponsorshipAsync(Guid sponsorshipId, string sponsorAccountId, CancellationToken cancellationToken)
    {
        var id = sponsorshipId.ToByteArray(bigEndian: true);
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var row = await database.Sponsorships.AsNoTracking().SingleOrDefaultAsync(found => found.SponsorshipId == id && found.Sponsor == sponsorAccountId, cancellationToken);
        return row is null
            ? null
            : new Sponsorship(sponsorshipId, row.StreamId, row.Sponsor, row.Budget, row.Spent, row.Rate, (SponsorshipState)row.State);
    }

    /// <summary>Where a page ended. Names the account, so that the token of another's statement is refused.</summary>
    private static class PageToken
    {
        public static string Write(string accountId, long sequence) =>
            Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{sequence}:{accountId}")));

        public static long Read(string token, string accountId)
        {
            if (token.Length == 0)
                return long.MaxValue;
            if (token.Length > 4 * AccountIds.MaxLength || !Base64Url.IsValid(token))
                throw CommonErrors.InvalidPageToken.Exception();
            var text = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token));
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            return colon > 0 && text[(colon + 1)..] == accountId && long.TryParse(text[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out var sequence)
                ? sequence
                : throw CommonErrors.InvalidPageToken.Exception();
        }
    }
}
