using System.Collections.Concurrent;
using System.Security.Claims;
using System.Security.Cryptography;
using Beacon.Contracts.Events;
using Beacon.Contracts.Raids.V1;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Grpc.Net.Client;
using MassTransit;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Bus = Beacon.ServiceDefaults.Bus;
using Client = Beacon.Contracts.Raids.V1.RaidsService.RaidsServiceClient;

namespace Beacon.Raids.Tests;

/// <summary>Raids as its Program composes it, in process, with a fake Topology, an embedded store and an in-memory bus.</summary>
internal sealed class RaidsHost : IAsyncDisposable
{
    private const string Issuer = "test-issuer";
    private static readonly ECDsaSecurityKey UserKey = new(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "test" };

    private readonly WebApplication _app;
    private readonly GrpcChannel _channel;

    private RaidsHost(WebApplication app, FakeTopology topology, BusProbe probe)
    {
        _app = app;
        Topology = topology;
        Probe = probe;
        Http = app.GetTestClient();
        _channel = GrpcChannel.ForAddress(app.GetTestServer().BaseAddress, new GrpcChannelOptions { HttpHandler = app.GetTestServer().CreateHandler() });
        Client = new Client(_channel);
    }

    public FakeTopology Topology { get; }

    public BusProbe Probe { get; }

    public Client Client { get; }

    public HttpClient Http { get; }

    public IBus MessageBus => _app.Services.GetRequiredService<IBus>();

    public T Get<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    public static async Task<RaidsHost> StartAsync(GarnetFixture garnet, int seed, FakeTopology? topology = null, params (string Key, string Value)[] settings) =>
        await StartAsync(garnet, seed, topology, clock: null, settings);

    public static async Task<RaidsHost> StartAsync(GarnetFixture garnet, int seed, FakeTopology? topology, TimeProvider? clock, params (string Key, string Value)[] settings)
    {
        topology ??= await FakeTopology.StartAsync();
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseTestServer();
        builder.Configuration.AddInMemoryCollection(
        [
            // A busy machine is no fault of the store.
            new("ConnectionStrings:redis", $"{garnet.ConnectionString},asyncTimeout=30000,syncTimeout=30000"),
            new("services:topology:grpc:0", topology.Address),
            new("services:ledger:grpc:0", topology.Address),
            new("Beacon:Auth:ServiceKey", Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))),
            .. settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)),
        ]);
        if (clock is not null)
            builder.Services.AddSingleton(clock);
        builder.AddServiceDefaults();
        builder.AddRaids();
        var random = new SeededRandomness(seed);
        builder.Services.AddSingleton<Randomness>(random.Next);
        // The in-memory bus is for processes that host all four; the three others are not needed here.
        foreach (var name in HostedServices.All)
            builder.HostService(name);
        builder.Services.AddSingleton<BusProbe>();
        Bus.AddBus(builder, RaidsService.AddRaidsConsumers, bus => bus.AddConsumer<BusProbe.RaidConsumer>().Endpoint(endpoint => endpoint.Name = "test-raids"));
        builder.Services.PostConfigure<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme, jwt =>
        {
            jwt.TokenValidationParameters.ValidIssuer = Issuer;
            jwt.TokenValidationParameters.IssuerSigningKey = UserKey;
        });
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapRaids();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new RaidsHost(app, topology, app.Services.GetRequiredService<BusProbe>());
    }

    /// <summary>Makes a stream live at Topology and known to the directory.</summary>
    public async Task AddStreamAsync(string id, int viewers = 0, int spare = 2, string? channel = null) =>
        await Get<Streams.StreamDirectory>().SeenAsync(Streams.StreamEntry.Of(Topology.Add(id, viewers, spare, channel)));

    /// <summary>The list of live streams once it is as expected, or what it is after a while.</summary>
    public async Task<IEnumerable<(string StreamId, uint Viewers)>> ListedAsync(Predicate<IReadOnlyList<StreamSummary>> isExpected)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var round = 0; ; round++)
        {
            var listed = (await Client.ListStreamsAsync(new ListStreamsRequest())).Streams;
            if (isExpected(listed) || round == 1_000)
                return listed.Select(stream => (stream.StreamId, stream.Viewers));
            await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    public static string Token(string account) => new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = Issuer,
        Audience = "beacon",
        Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(5),
        Subject = new ClaimsIdentity([new Claim("sub", account)]),
        SigningCredentials = new SigningCredentials(UserKey, SecurityAlgorithms.EcdsaSha256),
    });

    public static Metadata As(string account) => new() { { "authorization", $"Bearer {Token(account)}" } };

    /// <summary>Publishes a fact and waits until the consumer of that type is through with it.</summary>
    public Task PublishAsync<T>(T fact) where T : class => MessageBus.DeliverAsync(fact, Guid.CreateVersion7());

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        Http.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        await Topology.DisposeAsync();
    }
}

/// <summary>Hears what Raids publishes.</summary>
internal sealed class BusProbe
{
    private readonly System.Threading.Channels.Channel<RaidLaunched> _raids = System.Threading.Channels.Channel.CreateUnbounded<RaidLaunched>();

    public ConcurrentQueue<RaidLaunched> Seen { get; } = new();

    /// <summary>The next raid that moves.</summary>
    public ValueTask<RaidLaunched> NextAsync() => _raids.Reader.ReadAsync(TestContext.Current.CancellationToken);

    private readonly System.Threading.Channels.Channel<RaidAnnounced> _announced = System.Threading.Channels.Channel.CreateUnbounded<RaidAnnounced>();
    private readonly System.Threading.Channels.Channel<RaidCancelled> _cancelled = System.Threading.Channels.Channel.CreateUnbounded<RaidCancelled>();

    public ConcurrentQueue<RaidAnnounced> Announced { get; } = new();

    public ConcurrentQueue<RaidPrepared> Prepared { get; } = new();

    public ConcurrentQueue<RaidCancelled> Cancelled { get; } = new();

    public ValueTask<RaidAnnounced> NextAnnouncedAsync() => _announced.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public ValueTask<RaidCancelled> NextCancelledAsync() => _cancelled.Reader.ReadAsync(TestContext.Current.CancellationToken);

    internal sealed class RaidConsumer(BusProbe probe) : IConsumer<RaidLaunched>, IConsumer<RaidAnnounced>, IConsumer<RaidCancelled>, IConsumer<RaidPrepared>
    {
        public Task Consume(ConsumeContext<RaidPrepared> context)
        {
            probe.Prepared.Enqueue(context.Message);
            return Task.CompletedTask;
        }

        public Task Consume(ConsumeContext<RaidAnnounced> context)
        {
            probe.Announced.Enqueue(context.Message);
            probe._announced.Writer.TryWrite(context.Message);
            return Task.CompletedTask;
        }

        public Task Consume(ConsumeContext<RaidCancelled> context)
        {
            probe.Cancelled.Enqueue(context.Message);
            probe._cancelled.Writer.TryWrite(context.Message);
            return Task.CompletedTask;
        }

        public Task Consume(ConsumeContext<RaidLaunched> context)
        {
            probe.Seen.Enqueue(context.Message);
            probe._raids.Writer.TryWrite(context.Message);
            return Task.CompletedTask;
        }
    }
}
