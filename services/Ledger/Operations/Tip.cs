using System.Globalization;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;

namespace Beacon.Ledger.Operations;

/// <summary>
/// A gift of the caller to a stream, divided over its squad in one batch. The squad is read here, in the writer's turn: no
/// change of it can fall between reading and booking. The version of the squad is booked with it. Order of answers: a
/// repetition first, then <c>unknown_stream</c> (a stream that ended takes no tips), <c>squad_changed</c>, <c>self_tip</c>,
/// <c>account_frozen</c>, <c>insufficient_credits</c>.
/// </summary>
/// <param name="SquadVersion">The squad that the tipper saw; null = whatever it is.</param>
internal sealed record Tip(string AccountId, string Name, string StreamId, long Amount, Guid TransferId, long? SquadVersion = null)
{
    public Decided<PostedBatch> Decide(LedgerState state)
    {
        var content = DerivedId.Of("tip", AccountId, StreamId, Amount.ToString(CultureInfo.InvariantCulture));
        if (state.Replay(TransferId, TransferCode.Tip, content, Amount) is { } replay)
            return replay.Batch is { } first ? first : LedgerErrors.Of(replay.Status);
        if (state.Stream(StreamId) is not { IsLive: true } stream)
            return CommonErrors.UnknownStream;
        if (SquadVersion is { } seen && seen != stream.SquadVersion)
            return LedgerErrors.SquadChanged;
        var wallet = state.Wallet(AccountId, Name);
        var payments = Squad.Divide(Amount, stream.Squad, except: AccountId);
        if (payments.Count == 0)
            return LedgerErrors.SelfTip;
        var legs = new Leg[payments.Count];
        for (var i = 0; i < legs.Length; i++)
            legs[i] = new Leg(AccountId, payments[i].AccountId, payments[i].Amount);
        var posting = state.Post(new TransferBatch(TransferId, content, TransferCode.Tip, AccountId, StreamId, stream.SquadVersion, legs));
        if (posting.Batch is not { } posted)
            return LedgerErrors.Of(posting.Status);
        // The name that the recipients are told is that of the wallet.
        state.Rename(wallet, Name);
        return posted;
    }
}
