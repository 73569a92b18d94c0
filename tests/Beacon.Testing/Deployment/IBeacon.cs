namespace Beacon.Testing;

/// <summary>A Beacon that runs, in one process or in many: what scenarios and measurements need to know of it.</summary>
public interface IBeacon : IAsyncDisposable
{
    /// <summary>The public origin: pages, REST, health.</summary>
    Uri Http { get; }

    Uri WebSocket { get; }

    /// <summary>The public gRPC endpoint.</summary>
    Uri Grpc { get; }

    /// <summary>Where other services reach the gRPC endpoint of the service of this name.</summary>
    Uri GrpcOf(string service);

    /// <summary>Where the keys and <c>ledger.db</c> are.</summary>
    string DataDirectory { get; }

    /// <summary>Its processes by name: <c>server</c>, or <c>signaling-1</c>, <c>topology-2</c>, <c>ledger</c> and so on.</summary>
    IReadOnlyDictionary<string, ServiceProcess> Services { get; }

    /// <summary>Starts all of it, also again after all of it has ended, and waits until it is ready.</summary>
    Task StartAsync();
}
