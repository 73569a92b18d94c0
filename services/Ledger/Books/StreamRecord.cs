namespace Beacon.Ledger.Books;

/// <summary>What the ledger knows of a stream: who shares its revenue, and whether it still runs.</summary>
/// <param name="StartedAtMs">Unix milliseconds; 0 while only a later fact of the stream has been heard.</param>
/// <param name="EndedAtMs">Unix milliseconds; null while it is live.</param>
/// <param name="SquadVersion">0 until a squad is set, then grows with every change.</param>
public sealed record StreamRecord(
    string StreamId,
    string BroadcasterAccountId,
    long StartedAtMs,
    long? EndedAtMs,
    long SquadVersion,
    IReadOnlyList<SquadShare> Squad)
{
    public bool IsLive => EndedAtMs is null;
}
