using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger.Operations;

/// <summary>
/// What becomes known of streams, in whatever order and however often. An end is final for every start before it: only a
/// start with a later time, of a broadcaster who came back after the stream was given up, opens the stream again.
/// </summary>
internal static class StreamFacts
{
    /// <summary>A stream that runs, by an event or by asking its owner.</summary>
    /// <param name="startedAtMs">Unix milliseconds.</param>
    public static StreamRecord Started(LedgerState state, string streamId, string broadcasterAccountId, long startedAtMs)
    {
        if (state.Stream(streamId) is not { } known)
            return Record(state, streamId, broadcasterAccountId, startedAtMs);
        // Who broadcasts was settled by the first fact; a stream does not change hands.
        if (known.IsLive ? known.StartedAtMs >= startedAtMs : known.EndedAtMs >= startedAtMs)
            return known;
        var started = known with { StartedAtMs = startedAtMs, EndedAtMs = null };
        state.Save(started);
        return started;
    }

    /// <summary>A stream is over: what its sponsors did not spend goes back.</summary>
    /// <param name="endedAtMs">When it ended, or when that was told; an end before the present start is that of a former life.</param>
    public static void Ended(LedgerState state, string streamId, string broadcasterAccountId, long endedAtMs)
    {
        var stream = state.Stream(streamId) ?? Record(state, streamId, broadcasterAccountId, startedAtMs: 0);
        if (!stream.IsLive || endedAtMs < stream.StartedAtMs)
            return;
        state.Save(stream with { EndedAtMs = endedAtMs });
        foreach (var sponsorship in state.ActiveSponsorships(streamId))
            EndSponsorship.Refund(state, sponsorship);
    }

    /// <summary>First sight of a stream: its broadcaster alone shares the revenue.</summary>
    public static StreamRecord Record(LedgerState state, string streamId, string broadcasterAccountId, long startedAtMs)
    {
        state.Wallet(broadcasterAccountId, "");
        var stream = new StreamRecord(streamId, broadcasterAccountId, startedAtMs, EndedAtMs: null, SquadVersion: 0, Squad.Alone(broadcasterAccountId));
        state.Save(stream);
        return stream;
    }
}
