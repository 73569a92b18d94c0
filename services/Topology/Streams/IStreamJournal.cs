namespace Beacon.Topology.Streams;

/// <summary>The record of the streams, which outlives their owners. A write carries the owner's epoch and is refused when the stream has a newer owner.</summary>
internal interface IStreamJournal
{
    /// <summary>Makes the caller the owner of a stream that is there, and reads it; null when there is none.</summary>
    Task<StoredStream?> TakeAsync(string streamId, long nowMs);

    /// <summary>Makes the caller the owner of a stream that is about to be committed for the first time.</summary>
    /// <returns>The epoch.</returns>
    Task<long> CreateAsync(string streamId, long nowMs);

    /// <summary>Writes a batch; false when the epoch is no longer the stream's: nothing was written.</summary>
    Task<bool> CommitAsync(string streamId, long epoch, StreamBatch batch);

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
