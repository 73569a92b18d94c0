using System.Runtime.InteropServices;
using Beacon.Contracts.Events;
using Beacon.Ledger.Books;
using Microsoft.Data.Sqlite;

namespace Beacon.Ledger.Journal;

/// <summary>A page of the journal as the events that follow from it.</summary>
/// <param name="Through">The last transfer of the page; 0 when there is none.</param>
/// <param name="IsLast">True when the journal had no more.</param>
/// <param name="Events">In order of their sequences.</param>
internal sealed record EventPage(long Through, bool IsLast, IReadOnlyList<object> Events);

/// <summary>
/// Reads events out of the journal: what the ledger tells of its transfers is not written a second time. Changes of one
/// wallet for the same reason that follow each other in a page are one event with their sum and the last balance, so that a
/// busy ledger tells less often and nobody less.
/// </summary>
internal static class JournalEvents
{
    private const string Sql =
        """
        SELECT t.sequence, t.batch, t.amount, t.debit_balance, t.credit_balance,
               d.account_id, d.kind, c.account_id, c.kind,
               b.batch_id, b.code, b.reference, d.display_name,
               (SELECT max(last.sequence) FROM transfers last WHERE last.batch = t.batch)
        FROM transfers t
        JOIN batches b ON b.sequence = t.batch
        JOIN accounts d ON d.number = t.debit
        JOIN accounts c ON c.number = t.credit
        WHERE t.sequence > ?
        ORDER BY t.sequence
        LIMIT ?
        """;

    public static EventPage Read(SqliteConnection connection, int transfers)
    {
        using var snapshot = connection.BeginTransaction(deferred: true);
        using var cursor = new PreparedStatement(connection, "SELECT published_transfers, event_offset FROM outbox_cursor WHERE id = 1");
        cursor.Read();
        var (after, offset) = (cursor.Long(0), cursor.Long(1));
        cursor.Reset();

        using var row = new PreparedStatement(connection, Sql);
        row.Add(after).Add(transfers);
        var page = new Page(offset);
        var (read, through) = (0, 0L);
        while (row.Read())
        {
            page.Add(row);
            through = row.Long(0);
            read++;
        }

        return new EventPage(through, read < transfers, page.InOrder(connection));
    }

    private static string Name(TransferCode code) => code switch
    {
        TransferCode.Relay => "relay",
        TransferCode.Tip => "tip",
        TransferCode.SponsorshipFunding or TransferCode.Sponsorship => "sponsorship",
        TransferCode.Deposit => "deposit",
        TransferCode.Refund => "refund",
        TransferCode.Withdrawal => "withdrawal",
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "Not a code."),
    };

    /// <summary>Makes the events of the rows. A transfer has two numbers for them: of its debit, and of its credit and of a tip that ends with it.</summary>
    private sealed class Page(long offset)
    {
        private readonly Dictionary<string, CreditsEarned> _open = new(StringComparer.Ordinal);
        private readonly List<CreditsEarned> _done = [];
        private readonly List<(TipPosted Tip, long Batch)> _tips = [];

        public void Add(PreparedStatement row)
        {
            var (sequence, amount, code, reference) = (offset + (2 * row.Long(0)), row.Long(2), (TransferCode)row.Int(10), row.Text(11));
            if ((AccountKind)row.Int(6) == AccountKind.Wallet)
                Moved(new CreditsEarned(sequence - 1, row.Text(5), -amount, row.Long(3), Name(code), reference));
            if ((AccountKind)row.Int(8) == AccountKind.Wallet)
                Moved(new CreditsEarned(sequence, row.Text(7), amount, row.Long(4), Name(code), reference));
            if (code == TransferCode.Tip && row.Long(13) == row.Long(0))
                _tips.Add((new TipPosted(sequence, row.Id(9).ToString(), reference, row.Text(5), row.Text(12), 0, []), row.Long(1)));
        }

        public IReadOnlyList<object> InOrder(SqliteConnection connection)
        {
            using var legs = new PreparedStatement(connection, "SELECT c.account_id, t.amount FROM transfers t JOIN accounts c ON c.number = t.credit WHERE t.batch = ? ORDER BY t.sequence");
            var events = _done.Concat(_open.Values).Select(moved => (moved.Sequence, Event: (object)moved))
                .Concat(_tips.Select(tip => (tip.Tip.Sequence, Event: (object)Complete(tip.Tip, tip.Batch, legs))));
            return [.. events.OrderBy(entry => entry.Sequence).Select(entry => entry.Event)];
        }

        private void Moved(CreditsEarned moved)
        {
            ref var open = ref CollectionsMarshal.GetValueRefOrAddDefault(_open, moved.AccountId, out _);
            if (open is not null && open.Code == moved.Code && open.Reference == moved.Reference)
            {
                open = moved with { AmountMicrocredits = open.AmountMicrocredits + moved.AmountMicrocredits };
                return;
            }

            if (open is not null)
                _done.Add(open);
            open = moved;
        }

        private static TipPosted Complete(TipPosted tip, long batch, PreparedStatement legs)
        {
            var (amount, recipients) = (0L, new List<string>());
            legs.Add(batch);
            while (legs.Read())
            {
                recipients.Add(legs.Text(0));
                amount += legs.Long(1);
            }

            return tip with { AmountMicrocredits = amount, RecipientAccountIds = recipients };
        }
    }
}
