using Beacon.Contracts.Topology.V1;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using Beacon.ServiceDefaults;
using Grpc.Core;

namespace Beacon.Ledger;

/// <summary>Learns from Topology about a stream that the ledger has not heard of yet, and keeps what it learns.</summary>
internal sealed class StreamOwners(TopologyService.TopologyServiceClient topology, LedgerWriter writer)
{
    private const int MaxStreamIdLength = 64;

    /// <summary>
    /// Runs a decision that may find the stream unknown; then, once, asks Topology and runs it again. The usual case, a known
    /// stream, costs one turn of the writer and no call.
    /// </summary>
    /// <param name="batchId">The id of a batch that the decision will look for, or empty.</param>
    public async Task<T> ExecuteAsync<T>(string streamId, Func<LedgerState, Decided<T>> decide, Guid batchId, CancellationToken cancellationToken)
    {
        if (streamId.Length is 0 or > MaxStreamIdLength || streamId.Any(char.IsControl))
            throw CommonErrors.UnknownStream.Exception();
        var decided = await writer.ExecuteAsync(decide, waitForRoom: false, cancellationToken, batchId);
        if (decided.Refusal != CommonErrors.UnknownStream)
            return decided.OrThrow();
        await LearnAsync(streamId, cancellationToken);
        return (await writer.ExecuteAsync(decide, waitForRoom: false, cancellationToken, batchId)).OrThrow();
    }

    private async Task LearnAsync(string streamId, CancellationToken cancellationToken)
    {
        LiveStream stream;
        try
        {
            stream = (await topology.GetStreamAsync(new GetStreamRequest { StreamId = streamId }, cancellationToken: cancellationToken)).Stream;
        }
        catch (RpcException exception) when (Fault.ReasonOf(exception) == CommonErrors.UnknownStream.Reason)
        {
            throw CommonErrors.UnknownStream.Exception();
        }

        if (!AccountIds.IsWallet(stream.BroadcasterAccountId))
            throw CommonErrors.UnknownStream.Exception();
        await writer.ExecuteAsync(
            state => StreamFacts.Started(state, streamId, stream.BroadcasterAccountId, stream.StartedAt.ToDateTimeOffset().ToUnixTimeMilliseconds()),
            waitForRoom: false,
            cancellationToken);
    }
}
