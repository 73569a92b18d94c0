using System.Runtime.InteropServices;
using Beacon.Contracts.Events;
using Beacon.Ledger.Books;

namespace Beacon.Ledger.Journal;

/// <summary>A page of the journal as the events that follow from it.</summary>
/// <param name="Through">The last transfer of the page; 0 when there is none.</param>
/// <param name="IsLast">True when the journal had no more.</param>
/// <param name="Events">In order of their sequences, with the transfer that each ends with.</param>
internal sealed record EventPage(long Through, bool IsLast, IReadOnlyList<(long Transfer, object Event)> Events);

/// <summary>
/// Reads events out of the journal: what the ledger tells of its transfers is not written a second time. Changes of one
/// wallet for the same reason that follow each other in a page are one event with their sum and the last balance, so that a
/// busy ledger tells less often and nobody less.
/// </summary>
internal static class JournalEvents
{
    /// <summary>The last transfer that was told of, and what is added to the numbers of events.</summary>
    public const string Cursor = "SELECT published_transfers, event_offset FROM outbox_cursor WHERE id = 1";

    /// <summary>Transfers with all that events say of them.</summary>
    public const string Select =
        """
        SELECT t.sequence, t.batch, t.amount, t.debit_balance, t.credit_balance,
               d.account_id, d.kind, c.account_id, c.kind,
               b.batch_id, b.code, b.reference, d.display_name,
               b.last_transfer, b.legs
        FROM transfers t
        JOIN batches b ON b.sequence = t.batch
        JOIN accounts d ON d.number = t.debit
        JOIN accounts c ON c.number = t.credit
        """;

    /// <summary>Who got how much by a batch.</summary>
    public const string Legs = "SELECT t.batch, c.account_id, t.amount FROM transfers t JOIN accounts c ON c.number = t.credit";

    /// <param name="offset">Added to the numbers of events.</param>
    /// <param name="most">Transfers that were asked for.</param>
    /// <param name="rows">Of <see cref="Select"/>, in order.</param>
    /// <param name="legs">Of <see cref="Legs"/>, in order, from one transfer to another.</param>
    public static EventPage Page(long offset, int most, IRows rows, Func<long, long, IRows> legs)
    {
        var page = new Made(offset);
        var (read, through) = (0, 0L);
        while (rows.Read())
        {
            page.Add(rows);
            through = rows.Long(0);
            read++;
        }

        return new EventPage(through, read < most, page.InOrder(legs));
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
    private sealed class Made(long offset)
    {
        private readonly Dictionary<string, CreditsEarned> _open = new(StringComparer.Ordinal);
        private readonly List<CreditsEarned> _done = [];
        private readonly List<(TipPosted Tip, long Batch, long First)> _tips = [];

        public void Add(IRows row)
        {
            var (sequence, amount, code, reference) = (offset + (2 * row.Long(0)), row.Long(2), (TransferCode)row.Int(10), row.Text(11));
            if ((AccountKind)row.Int(6) == AccountKind.Wallet)
                Moved(new CreditsEarned(sequence - 1, row.Text(5), -amount, row.Long(3), Name(code), reference));
            if ((AccountKind)row.Int(8) == AccountKind.Wallet)
                Moved(new CreditsEarned(sequence, row.Text(7), amount, row.Long(4), Name(code), reference));
            if (code == TransferCode.Tip && row.Long(13) == row.Long(0))
                _tips.Add((new TipPosted(sequence, row.Id(9).ToString(), reference, row.Text(5), row.Text(12), 0, []), row.Long(1), row.Long(13) - row.Long(14) + 1));
        }

        public IReadOnlyList<(long Transfer, object Event)> InOrder(Func<long, long, IRows> legs)
        {
            var recipients = Recipients(legs);
            var events = _done.Concat(_open.Values).Select(moved => (moved.Sequence, Event: (object)moved))
                .Concat(_tips.Select(tip => (tip.Tip.Sequence, Event: (object)(tip.Tip with
                {
                    AmountMicrocredits = recipients[tip.Batch].Sum(leg => leg.Amount),
                    RecipientAccountIds = [.. recipients[tip.Batch].Select(leg => leg.AccountId)],
                }))));
            return [.. events.OrderBy(entry => entry.Sequence).Select(entry => ((entry.Sequence - offset + 1) / 2, entry.Event))];
        }

        /// <summary>The legs of all tips at once; a tip may have begun on the page before.</summary>
        private Dictionary<long, List<(string AccountId, long Amount)>> Recipients(Func<long, long, IRows> legs)
        {
            var recipients = _tips.ToDictionary(tip => tip.Batch, _ => new List<(string, long)>());
            if (_tips.Count == 0)
                return recipients;
            var leg = legs(_tips[0].First, (_tips[^1].Tip.Sequence - offset) / 2);
            while (leg.Read())
            {
                if (recipients.TryGetValue(leg.Long(0), out var got))
                    got.Add((leg.Text(1), leg.Long(2)));
            }

            return recipients;
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
    }
}
