using System.Collections.Concurrent;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.Extensions.Caching.Memory;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// The replicas of Topology, and which of them owns a stream. Any of them answers for every stream, and says who its owner is; what goes there at
/// once is not sent on from one replica to another. It is a hint and no more: an owner that cannot be reached is forgotten for a while.
/// </summary>
internal sealed class TopologyReplicas(
    TopologyEdgeService.TopologyEdgeServiceClient any, IServiceProvider services, TimeProvider clock, ILogger<TopologyReplicas> log) : IDisposable
{
    /// <summary>Where calls go of whose stream no owner is known.</summary>
    public const string Any = "";

    private const int MaxStreams = 100_000;

    /// <summary>More than there are replicas: those that are gone.</summary>
    private const int MaxClients = 256;
    private static readonly TimeSpan KnownFor = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AwayFor = TimeSpan.FromSeconds(10);

    private readonly MemoryCache _owners = new(new MemoryCacheOptions { SizeLimit = MaxStreams });
    private readonly ConcurrentDictionary<string, TopologyEdgeService.TopologyEdgeServiceClient> _clients = new(StringComparer.Ordinal);

    /// <summary>Until when nothing is sent to an address.</summary>
    private readonly ConcurrentDictionary<string, DateTimeOffset> _away = new(StringComparer.Ordinal);

    public void Dispose() => _owners.Dispose();

    /// <summary>The address of the owner, or <see cref="Any"/>.</summary>
    public string OwnerOf(string streamId) => _owners.TryGetValue(streamId, out string? address) && !IsAway(address!) ? address! : Any;

    /// <summary>What Topology said with an answer.</summary>
    public void Learn(IEnumerable<OwnerAddress> owners)
    {
        foreach (var owner in owners)
        {
            if (!_owners.TryGetValue(owner.StreamId, out string? known) || known != owner.Address)
                _owners.Set(owner.StreamId, owner.Address, new MemoryCacheEntryOptions { Size = 1, SlidingExpiration = KnownFor });
        }
    }

    /// <summary>
    /// Fails as the call does. One that does not reach the owner goes to any replica instead, and so do those of the next seconds: a join, a leave or a
    /// report may come twice.
    /// </summary>
    public async Task<T> CallAsync<T>(string address, Func<TopologyEdgeService.TopologyEdgeServiceClient, AsyncUnaryCall<T>> call)
    {
        try
        {
            return await call(ClientOf(address));
        }
        catch (RpcException exception) when (address.Length > 0 && Fault.ReasonOf(exception) is null && exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            Leave(address);
            Log.OwnerAway(log, address, exception.StatusCode);
            // Who let the time of a call pass has had it.
            if (exception.StatusCode == StatusCode.DeadlineExceeded)
                throw;
        }

        return await call(any);
    }

    private TopologyEdgeService.TopologyEdgeServiceClient ClientOf(string address)
    {
        if (address.Length == 0)
            return any;
        if (_clients.Count > MaxClients)
            _clients.Clear();
        return _clients.GetOrAdd(address, one => new TopologyEdgeService.TopologyEdgeServiceClient(GrpcClients.CallsTo(services, one)));
    }

    private bool IsAway(string address) => _away.TryGetValue(address, out var until) && until > clock.GetUtcNow();

    private void Leave(string address)
    {
        var now = clock.GetUtcNow();
        // A replica that is started anew often has another address, and the former one is never asked for again.
        foreach (var (former, until) in _away)
        {
            if (until <= now)
                _away.TryRemove(KeyValuePair.Create(former, until));
        }

        _away[address] = now + AwayFor;
        _clients.TryRemove(address, out _);
    }
}
