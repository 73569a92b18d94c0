using System.Collections.Concurrent;
using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Topology.Streams;
using Grpc.Core;
using Grpc.Net.Client;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Orleans.Core.Internal;

namespace Beacon.Topology.Tests;

/// <summary>The service as a host runs it, on one silo, with a clock that only the test moves and a bus that notes what goes out.</summary>
internal sealed class TopologyHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly GrpcChannel _channel;
    private readonly TimeProvider _clock;
    private readonly string _dataDirectory = Directory.CreateTempSubdirectory("beacon-topology-").FullName;

    private TopologyHost(string redis, TimeProvider clock, string? clusterId, params IEnumerable<(string Name, string Value)> settings)
    {
        _clock = clock;
        SiloPort = Ports.Free();
        GrpcPort = Ports.Free();
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:redis"] = redis,
            ["Beacon:DataDirectory"] = _dataDirectory,
            ["Beacon:Endpoints:GrpcPort"] = $"{GrpcPort}",
            ["Beacon:Topology:SiloPort"] = $"{SiloPort}",
            ["Beacon:Topology:WatchPollMs"] = "20",
            ["Beacon:Topology:GatewayPort"] = $"{Ports.Free()}",
        });
        // Where the test moves the clock, a commit must not seem to take as long as the test lets pass.
        if (clock is FakeTimeProvider)
            builder.Configuration["Beacon:Topology:CommitTimeoutMs"] = "30000";
        if (clusterId is not null)
        {
            builder.Configuration["Beacon:Topology:Clustering"] = "Redis";
            builder.Configuration["Beacon:Topology:ClusterId"] = clusterId;
        }

        foreach (var (name, value) in settings)
            builder.Configuration[name] = value;
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.AddServiceDefaults();
        builder.AddTopology();
        // Who watches asks on the true clock: the tests' own stands still.
        builder.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<Grpc.TreeWatches>(services, TimeProvider.System));
        builder.Services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            TopologyService.AddTopologyConsumers(bus);
            bus.UsingInMemory();
        });
        builder.WebHost.UseTestServer();
        _app = builder.Build();
        _app.MapServiceDefaults();
        _app.MapTopology();
        var bus = _app.Services.GetRequiredService<IBus>();
        bus.ConnectSendObserver(Sent);
        bus.ConnectPublishObserver(Sent);
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = new LateHandler(_app),
        });
        Edge = new TopologyEdgeService.TopologyEdgeServiceClient(_channel);
        Queries = new Contracts.Topology.V1.TopologyService.TopologyServiceClient(_channel);
    }

    public FakeTimeProvider Clock => (FakeTimeProvider)_clock;

    public int SiloPort { get; }

    /// <summary>That it was told to listen on: the test's own calls need no port.</summary>
    public int GrpcPort { get; }

    public Outgoing Sent { get; } = new();

    public TopologyEdgeService.TopologyEdgeServiceClient Edge { get; }

    public Contracts.Topology.V1.TopologyService.TopologyServiceClient Queries { get; }

    public System.Diagnostics.Metrics.IMeterFactory Meters => _app.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>();

    public StreamStore Store => _app.Services.GetRequiredService<StreamStore>();

    /// <summary>Made once, at the true time: tests move the clock, and validation does not follow it.</summary>
    public Metadata Token { get; private set; } = [];

    public static Task<TopologyHost> StartAsync(string redis, params IEnumerable<(string Name, string Value)> settings) =>
        StartAsync(new TopologyHost(redis, new FakeTimeProvider(TimeProvider.System.GetUtcNow()), clusterId: null, settings));

    /// <summary>One replica of several, on the true clock: they watch each other by it.</summary>
    public static Task<TopologyHost> StartReplicaAsync(string redis, string clusterId, params IEnumerable<(string Name, string Value)> settings) =>
        StartAsync(new TopologyHost(redis, TimeProvider.System, clusterId, settings));

    /// <summary>Alone, on the true clock.</summary>
    public static Task<TopologyHost> StartOnTrueClockAsync(string redis, IReadOnlyDictionary<string, string?> settings) =>
        StartAsync(new TopologyHost(redis, TimeProvider.System, clusterId: null, settings.Select(setting => (setting.Key, setting.Value ?? ""))));

    private static async Task<TopologyHost> StartAsync(TopologyHost host)
    {
        host.Token = new Metadata { { "authorization", $"Bearer {host._app.Services.GetRequiredService<ServiceTokens>().Current()}" } };
        await host._app.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    /// <summary>A client of the REST side.</summary>
    public HttpClient Rest() => _app.GetTestClient();

    /// <summary>What a watcher is told, without a connection in between that would hold some of it.</summary>
    public IAsyncEnumerator<WatchTreeResponse> Watch(string streamId) =>
        _app.Services.GetRequiredService<Grpc.TreeWatches>().WatchAsync(streamId, 0, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);

    /// <summary>What the probes of a cluster see.</summary>
    public async Task<HealthReport> HealthAsync() => await _app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);

    public IStreamGrain Grain(string streamId) => _app.Services.GetRequiredService<IGrainFactory>().GetGrain<IStreamGrain>(streamId);

    /// <summary>The port of the silo that owns the stream; null when none does.</summary>
    public async Task<int?> OwnerAsync(string streamId) =>
        (await _app.Services.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0).GetActivationAddress(Grain(streamId)))?.Endpoint.Port;

    /// <summary>
    /// Stops the replica at once: no grain is handed over. Unlike a process that is killed, Orleans may still note in the membership
    /// table that the replica is gone, so what follows does not measure how long the others take to notice.
    /// </summary>
    public Task AbortAsync() => _app.StopAsync(new CancellationToken(canceled: true));

    /// <summary>The owner forgets; the next call makes a new one.</summary>
    public async Task DeactivateAsync(string streamId) => await Grain(streamId).Cast<IGrainManagementExtension>().DeactivateOnIdle();

    /// <summary>Time passes, and the owner notices.</summary>
    public async Task PassAsync(string streamId, int milliseconds)
    {
        Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        await Grain(streamId).Tick();
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _app.DisposeAsync();
        Directory.Delete(_dataDirectory, recursive: true);
    }
}

/// <summary>One silo and one store for all tests of a class: each test has a stream of its own.</summary>
public sealed class TopologyFixture : IAsyncLifetime
{
    private readonly GarnetFixture _garnet = new();

    internal TopologyHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await _garnet.InitializeAsync();
        Host = await TopologyHost.StartAsync(_garnet.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await _garnet.DisposeAsync();
    }
}

/// <summary>What left by the bus, in order.</summary>
internal sealed class Outgoing : ISendObserver, IPublishObserver
{
    private readonly ConcurrentQueue<object> _messages = new();

    public bool Fails { get; set; }

    /// <summary>What concerns other streams is not noted.</summary>
    public string StreamId { get; set; } = "";

    public IReadOnlyList<T> All<T>() => [.. _messages.OfType<T>()];

    public IReadOnlyList<PeerDirective> DirectivesTo(string peerId) =>
        [.. All<PeersReassigned>().SelectMany(ByStream).Where(stream => stream.Key == StreamId).SelectMany(directives => directives).Where(directive => directive.PeerId == peerId)];

    public void Clear() => _messages.Clear();

    public Task PreSend<T>(SendContext<T> context) where T : class =>
        Fails ? Task.FromException(new IOException("the broker is away")) : Task.CompletedTask;

    public Task PostSend<T>(SendContext<T> context) where T : class => Note(context.Message);

    public Task SendFault<T>(SendContext<T> context, Exception exception) where T : class => Task.CompletedTask;

    public Task PrePublish<T>(PublishContext<T> context) where T : class => Task.CompletedTask;

    public Task PostPublish<T>(PublishContext<T> context) where T : class => Note(context.Message);

    public Task PublishFault<T>(PublishContext<T> context, Exception exception) where T : class => Task.CompletedTask;

    private Task Note(object message)
    {
        var concerns = message switch
        {
            PeersReassigned sent => ByStream(sent).Any(stream => stream.Key == StreamId),
            ChallengeIssued challenge => challenge.StreamId == StreamId,
            StreamStarted started => started.StreamId == StreamId,
            StreamAudienceChanged audience => audience.StreamId == StreamId,
            StreamEnded ended => ended.StreamId == StreamId,
            RelayWorkVerified work => work.StreamId == StreamId,
            _ => false,
        };
        if (concerns)
            _messages.Enqueue(message);
        return Task.CompletedTask;
    }

    /// <summary>What a message says of each stream. The directives themselves do not name it any more.</summary>
    public static IEnumerable<IGrouping<string, PeerDirective>> ByStream(PeersReassigned sent)
    {
        var streamId = "";
        return PeerDirectives.Parser.ParseFrom(sent.Directives).Directives
            .Select(directive => (StreamId: streamId = directive.StreamId.Length > 0 ? directive.StreamId : streamId, Directive: new PeerDirective(directive) { StreamId = "" }))
            .ToLookup(told => told.StreamId, told => told.Directive, StringComparer.Ordinal);
    }
}

/// <summary>The test server exists once the app runs; channels are made before.</summary>
internal sealed class LateHandler(WebApplication app) : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        InnerHandler ??= app.GetTestServer().CreateHandler();
        return base.SendAsync(request, cancellationToken);
    }
}
