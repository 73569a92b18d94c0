using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;

namespace Beacon.Ledger.Operations;

/// <summary>
/// A gift of the caller to a stream, divided over its squad in one batch. The squad is read here, in the writer's turn: no
/// change of it can fall between reading and booking. Order of answers: a repetition first, then <c>unknown_stream</c> (a
/// stream that ended takes no tips), <c>self_tip</c>, <c>insufficient_credits</c>.
/// </summary>
internal sealed record Tip(string AccountId, string Name, string StreamId, long Amount, Guid TransferId)
{
    public Decided<PostedBatch> Decide(LedgerState state)
    {
        var content = DerivedId.Of("tip", AccountId, StreamId, Amount.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (state.Replay(TransferId, content) is { } replay)
            return replay.Batch is { } first ? first : LedgerErrors.Of(replay.Status);
        if (state.Stream(StreamId) is not { IsLive: true } stream)
            return CommonErrors.UnknownStream;
        var wallet = state.Wallet(AccountId, Name);
        var payments = Squad.Divide(Amount, stream.Squad, except: AccountId);
        if (payments.Count == 0)
            return LedgerErrors.SelfTip;
        var posting = state.Post(new TransferBatch(
            TransferId,
            content,
            TransferCode.Tip,
            AccountId,
            StreamId,
            Window: null,
            [.. payments.Select(payment => new Leg(AccountId, payment.AccountId, payment.Amount))]));
        if (posting.Batch is not { } posted)
            return LedgerErrors.Of(posting.Status);
        // The name that the recipients are told is that of the wallet.
        state.Rename(wallet, Name);
        return posted;
    }
}
