namespace Beacon.Topology.Streams;

/// <summary>What became of a commit.</summary>
internal enum CommitOutcome
{
    Done,

    /// <summary>The stream has a newer owner. Nothing was written.</summary>
    Stale,

    /// <summary>The record is not what it was after the commit before. Nothing was written; the whole has to be.</summary>
    Broken,
}

/// <summary>The record of the streams, which outlives their owners. A write carries the owner's epoch and is refused when the stream has a newer owner.</summary>
internal interface IStreamJournal
{
    /// <summary>Makes the caller the owner of a stream that is there, and reads it; null when there is none.</summary>
    Task<StoredStream?> TakeAsync(string streamId, long nowMs);

    /// <summary>Makes the caller the owner of a stream that is about to be committed for the first time.</summary>
    /// <returns>The epoch.</returns>
    Task<long> CreateAsync(string streamId, long nowMs);

    /// <summary>Writes a batch, or nothing. The batch is read before this returns; several may be under way.</summary>
    /// <param name="number">
    /// Of the commit, within the epoch. A batch of changes must follow the one before it without a gap (the first is 1); a whole one need
    /// only be later than all others.
    /// </param>
    Task<CommitOutcome> CommitAsync(string streamId, long epoch, long number, StreamBatch batch);

    /// <summary>Ends in an error when the journal cannot be reached.</summary>
    Task PingAsync();

    /// <summary>Deletes an ended stream; false when the epoch is no longer the stream's.</summary>
    Task<bool> DeleteAsync(string streamId, long epoch);

    /// <summary>Gives a channel to a stream.</summary>
    /// <returns>Null when the stream has the channel now, else the stream that has it.</returns>
    Task<string?> ClaimChannelAsync(string channel, string streamId);

    /// <summary>Frees a channel, if this stream has it.</summary>
    Task ReleaseChannelAsync(string channel, string streamId);

    Task AddLiveAsync(string streamId, string channel);

    Task RemoveLiveAsync(string streamId);

    Task<int> CountLiveAsync();
}
