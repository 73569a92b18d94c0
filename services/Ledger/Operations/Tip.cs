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
/// <param name="squadVersion">The squad that the tipper saw; null = whatever it is.</param>
internal sealed class Tip(string accountId, string name, string streamId, long amount, Guid transferId, long? squadVersion = null)
{
    /// <summary>What a repetition must ask for again. The caller makes it: the writer's thread is the narrow place.</summary>
    private readonly Guid _content = DerivedId.Of("tip", accountId, streamId, amount.ToString(CultureInfo.InvariantCulture));

    public Guid TransferId { get; } = transferId;

    public Decided<PostedBatch> Decide(LedgerState state)
    {
        if (state.Replay(TransferId, TransferCode.Tip, _content, amount) is { } replay)
            return replay.Batch is { } first ? first : LedgerErrors.Of(replay.Status);
        if (state.Stream(streamId) is not { IsLive: true } stream)
            return CommonErrors.UnknownStream;
        if (squadVersion is { } seen && seen != stream.SquadVersion)
            return LedgerErrors.SquadChanged;
        var wallet = state.Wallet(accountId, name);
        var payments = Squad.Divide(amount, stream.Squad, except: accountId);
        if (payments.Count == 0)
            return LedgerErrors.SelfTip;
        var legs = new Leg[payments.Count];
        for (var i = 0; i < legs.Length; i++)
            legs[i] = new Leg(accountId, payments[i].AccountId, payments[i].Amount);
        var posting = state.Post(new TransferBatch(TransferId, _content, TransferCode.Tip, accountId, streamId, stream.SquadVersion, legs));
        if (posting.Batch is not { } posted)
            return LedgerErrors.Of(posting.Status);
        // The name that the recipients are told is that of the wallet.
        state.Rename(wallet, name);
        return posted;
    }
}
