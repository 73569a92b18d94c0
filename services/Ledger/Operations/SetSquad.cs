using Beacon.Contracts.Events;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;

namespace Beacon.Ledger.Operations;

/// <summary>Who shares a stream's revenue from now on. The same members again change nothing.</summary>
internal sealed record SetSquad(string CallerAccountId, string StreamId, IReadOnlyList<SquadShare> Members)
{
    public Decided<StreamRecord> Decide(LedgerState state)
    {
        if (state.Stream(StreamId) is not { IsLive: true } stream)
            return CommonErrors.UnknownStream;
        if (stream.BroadcasterAccountId != CallerAccountId)
            return CommonErrors.NotYourStream;
        if (Members.Any(member => state.Find(member.AccountId) is not { Kind: AccountKind.Wallet }))
            return LedgerErrors.UnknownAccount;
        if (stream.SquadVersion > 0 && stream.Squad.SequenceEqual(Members))
            return stream;
        var changed = stream with { Squad = Members, SquadVersion = stream.SquadVersion + 1 };
        state.Save(changed);
        state.Announce(sequence => new SquadChanged(sequence, StreamId, changed.SquadVersion, [.. Members.Select(member => member.AccountId)]));
        return changed;
    }
}
