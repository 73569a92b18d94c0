using System.Collections.Concurrent;
using System.Threading.Channels;
using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Signaling.Identity;
using Beacon.Signaling.Sessions;
using Google.Protobuf;
using Grpc.Core;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Beacon.Signaling.Tests;

/// <summary>What Topology was asked, by all replicas of a test.</summary>
internal sealed class Asked
{
    private readonly Channel<PeerLeave> _leaves = Channel.CreateUnbounded<PeerLeave>();

    public ConcurrentQueue<PeerJoin> Joins { get; } = [];

    public ConcurrentQueue<PeerReport> Reports { get; } = [];

    /// <summary>Where the owner of every stream is said to answer; null = nothing is said.</summary>
    public Uri? Owner { get; set; }

    /// <summary>What an answer about these streams says of their owner.</summary>
    public IEnumerable<OwnerAddress> OwnersOf(IEnumerable<string> streamIds) =>
        Owner is null ? [] : streamIds.Distinct().Select(streamId => new OwnerAddress { StreamId = streamId, Address = Owner.ToString() });

    public void Leave(PeerLeave leave) => _leaves.Writer.TryWrite(leave);

    public int LeaveCount => _leaves.Reader.Count;

    /// <summary>Topology cannot be reached for leaves.</summary>
    public bool RefusesLeaves { get; set; }

    public int RefusedLeaves;

    /// <summary>The next leave, in the order they came.</summary>
    public async Task<string> NextLeaveAsync() =>
        (await _leaves.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(FrameSocket.Patience)).PeerId;
}

/// <summary>One replica of the service as a host runs it, on ports of its own, with a stand-in for Topology behind it.</summary>
internal sealed class SignalingHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly int _httpPort = Ports.Free();
    private readonly int _grpcPort = Ports.Free();
    private readonly string? _ownDirectory;

    private SignalingHost(string redis, Asked asked, TimeProvider clock, string? dataDirectory, IReadOnlyDictionary<string, string?> settings)
    {
        _ownDirectory = dataDirectory is null ? Directory.CreateTempSubdirectory("beacon-signaling-").FullName : null;
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:redis"] = redis,
            ["Beacon:DataDirectory"] = dataDirectory ?? _ownDirectory,
            ["Beacon:Endpoints:HttpPort"] = $"{_httpPort}",
            ["Beacon:Endpoints:GrpcPort"] = $"{_grpcPort}",
            ["Beacon:Signaling:OperatorKey"] = OperatorKey,
            ["services:topology:grpc:0"] = $"http://127.0.0.1:{_grpcPort}",
            ["services:ledger:grpc:0"] = $"http://127.0.0.1:{_grpcPort}",
            ["services:raids:grpc:0"] = $"http://127.0.0.1:{_grpcPort}",
        });
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(clock);
        builder.AddServiceDefaults();
        builder.AddSignaling();
        builder.Services.AddSingleton(asked);
        builder.Services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            SignalingService.AddSignalingConsumers(bus);
            bus.UsingInMemory((context, transport) => transport.ConfigureEndpoints(context));
        });
        _app = builder.Build();
        _app.MapServiceDefaults();
        _app.MapSignaling();
        _app.MapGrpcService<StandInTopology>();
        _app.MapGrpcService<StandInAccounts>();
        Clock = clock as FakeTimeProvider;
    }

    public static string OperatorKey => "an operator key for the tests";

    public FakeTimeProvider? Clock { get; }

    public Uri Http => new($"http://127.0.0.1:{_httpPort}");

    /// <summary>Where its stand-in for Topology answers.</summary>
    public Uri Grpc => new($"http://127.0.0.1:{_grpcPort}");

    public Uri WebSocket => new($"ws://127.0.0.1:{_httpPort}/ws");

    public string EdgeId => _app.Services.GetRequiredService<Edge>().Id;

    public static async Task<SignalingHost> StartAsync(
        string redis, Asked? asked = null, TimeProvider? clock = null, string? dataDirectory = null, params (string Key, string Value)[] settings)
    {
        var host = new SignalingHost(
            redis, asked ?? new Asked(), clock ?? TimeProvider.System, dataDirectory, settings.ToDictionary(setting => $"Beacon:{setting.Key}", string? (setting) => setting.Value, StringComparer.Ordinal));
        await host._app.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    public T Get<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>As Topology tells an edge.</summary>
    public async Task TellAsync(string streamId, params PeerDirective[] directives)
    {
        var endpoint = await _app.Services.GetRequiredService<IBus>().GetSendEndpoint(EdgeEndpoint.Address(EdgeId));
        await endpoint.Send(new PeersReassigned(EdgeId, new PeerDirectives { Directives = { directives } }.ToByteArray()), TestContext.Current.CancellationToken);
    }

    public IssuedTokens Guest(string name = "Guest") => Get<GuestIssuer>().Create(name, isOperator: false);

    /// <summary>Ends the replica as a crash would: it tells nobody.</summary>
    public Task AbortAsync() => _app.StopAsync(new CancellationToken(canceled: true));

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        if (_ownDirectory is not null)
            Directory.Delete(_ownDirectory, recursive: true);
    }
}

/// <summary>Says yes to everything and notes it.</summary>
internal sealed class StandInTopology(Asked asked) : TopologyEdgeService.TopologyEdgeServiceBase
{
    public override Task<StartStreamResponse> StartStream(StartStreamRequest request, ServerCallContext context) =>
        Task.FromResult(new StartStreamResponse { Stream = new LiveStream { StreamId = request.StreamId, Channel = request.Channel, Stripes = 3 } });

    public override Task<JoinStreamsResponse> JoinStreams(JoinStreamsRequest request, ServerCallContext context)
    {
        foreach (var join in request.Joins)
            asked.Joins.Enqueue(join);
        return Task.FromResult(new JoinStreamsResponse
        {
            Results = { request.Joins.Select(join => new JoinResult { Stream = new LiveStream { StreamId = join.StreamId } }) },
            Owners = { asked.OwnersOf(request.Joins.Select(join => join.StreamId)) },
        });
    }

    public override Task<LeaveStreamsResponse> LeaveStreams(LeaveStreamsRequest request, ServerCallContext context)
    {
        if (asked.RefusesLeaves)
        {
            Interlocked.Add(ref asked.RefusedLeaves, request.Leaves.Count);
            throw new RpcException(new Status(StatusCode.Unavailable, "Its owner is gone."));
        }

        foreach (var leave in request.Leaves)
            asked.Leave(leave);
        return Task.FromResult(new LeaveStreamsResponse());
    }

    public override Task<ReportMetricsResponse> ReportMetrics(ReportMetricsRequest request, ServerCallContext context)
    {
        foreach (var report in request.Reports)
            asked.Reports.Enqueue(report);
        return Task.FromResult(new ReportMetricsResponse { Owners = { asked.OwnersOf(request.Reports.Select(report => report.StreamId)) } });
    }
}

/// <summary>Opens every account.</summary>
internal sealed class StandInAccounts : Contracts.Ledger.V1.LedgerAccountsService.LedgerAccountsServiceBase
{
    public override Task<Contracts.Ledger.V1.OpenAccountResponse> OpenAccount(Contracts.Ledger.V1.OpenAccountRequest request, ServerCallContext context) =>
        Task.FromResult(new Contracts.Ledger.V1.OpenAccountResponse());
}
