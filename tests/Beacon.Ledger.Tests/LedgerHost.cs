using System.Collections.Concurrent;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Threading.Channels;
using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using MassTransit;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger.Tests;

/// <summary>The service as a host composes it, on a test server and the in-memory bus; only Topology is a stand-in.</summary>
internal sealed class LedgerHost : IAsyncDisposable
{
    private static readonly ECDsaSecurityKey Key = new(ECDsa.Create(ECCurve.NamedCurves.nistP256));
    private static readonly JsonWebTokenHandler Tokens = new();

    private readonly WebApplication _app;
    private readonly GrpcChannel _channel;

    private LedgerHost(WebApplication app, string directory, FakeTopology topology, Heard heard)
    {
        _app = app;
        Directory = directory;
        Topology = topology;
        Heard = heard;
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = app.GetTestServer().CreateHandler() });
        Ledger = new Rpc.LedgerService.LedgerServiceClient(_channel);
        Operators = new Rpc.LedgerOperatorService.LedgerOperatorServiceClient(_channel);
        Accounts = new Rpc.LedgerAccountsService.LedgerAccountsServiceClient(_channel);
        Backups = new Rpc.LedgerBackupsService.LedgerBackupsServiceClient(_channel);
    }

    public string Directory { get; }

    public FakeTopology Topology { get; }

    public Heard Heard { get; }

    public IServiceProvider Services => _app.Services;

    public Rpc.LedgerService.LedgerServiceClient Ledger { get; }

    public Rpc.LedgerOperatorService.LedgerOperatorServiceClient Operators { get; }

    public Rpc.LedgerAccountsService.LedgerAccountsServiceClient Accounts { get; }

    public Rpc.LedgerBackupsService.LedgerBackupsServiceClient Backups { get; }

    public HttpClient Http => _app.GetTestClient();

    public static async Task<LedgerHost> StartAsync(string? directory = null, params (string Key, string Value)[] settings)
    {
        directory ??= LedgerRig.NewDirectory();
        var topology = new FakeTopology();
        var heard = new Heard();
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection([new(DataDirectory.Key, directory), new("Beacon:Ledger:RelayProbationWindows", "0")]);
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)));
        builder.AddServiceDefaults();
        builder.AddLedger();
        foreach (var other in HostedServices.All)
            builder.HostService(other);
        builder.AddBus(LedgerService.AddLedgerConsumers, bus => bus.AddConsumer<Listener>().Endpoint(endpoint => endpoint.Name = "test-listener"));
        builder.Services.AddSingleton(heard);
        builder.Services.AddSingleton<TopologyService.TopologyServiceClient>(topology);
        builder.Services.Configure<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme, jwt =>
        {
            jwt.TokenValidationParameters.ValidIssuer = "test";
            jwt.TokenValidationParameters.IssuerSigningKey = Key;
        });
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapLedger();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new LedgerHost(app, directory, topology, heard);
    }

    /// <summary>Call headers of a user.</summary>
    public static Metadata As(string account, string scope = "viewer") => new() { { "authorization", $"Bearer {Token(account, scope)}" } };

    public static string Token(string account, string scope = "viewer") => Tokens.CreateToken(new SecurityTokenDescriptor
    {
        Issuer = "test",
        Audience = "beacon",
        Subject = new ClaimsIdentity([new Claim("sub", account), new Claim("name", $"Name of {account}"), new Claim("scope", scope)]),
        Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(5),
        SigningCredentials = new SigningCredentials(Key, SecurityAlgorithms.EcdsaSha256),
    });

    /// <summary>Call headers of another service.</summary>
    public Metadata AsService() => new() { { "authorization", $"Bearer {Services.GetRequiredService<ServiceTokens>().Current()}" } };

    public Task PublishAsync<T>(T message) where T : class => Services.GetRequiredService<IBus>().Publish(message, TestContext.Current.CancellationToken);

    public async Task FundAsync(string account, long amount)
    {
        await Accounts.OpenAccountAsync(new Rpc.OpenAccountRequest { AccountId = account, DisplayName = account }, AsService());
        await Ledger.DepositAsync(
            new Rpc.DepositRequest { AccountId = account, AmountMicrocredits = amount, TransferId = Guid.NewGuid().ToString() }, As("boss", Scopes.Operator));
    }

    public async Task<long> BalanceAsync(string account) => (await Ledger.GetWalletAsync(new Rpc.GetWalletRequest(), As(account))).BalanceMicrocredits;

    /// <summary>Everything that is money or a rule about it, as text: equal before and after means that nothing changed.</summary>
    public async Task<string> SnapshotAsync()
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(Directory, "ledger.db")};Pooling=False");
        await connection.OpenAsync();
        var lines = new List<string>();
        foreach (var table in new[] { "accounts", "balances", "batches", "transfers", "streams", "squad_members", "sponsorships", "deliveries", "pending_transfers", "freezes", "relay_standings", "refused_work" })
        {
            await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Names of tables.
            command.CommandText = $"SELECT * FROM {table} ORDER BY 1, 2";
#pragma warning restore CA2100
            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
                lines.Add($"{table}: {string.Join(',', Enumerable.Range(0, rows.FieldCount).Select(i => rows.GetValue(i) is byte[] bytes ? Convert.ToHexString(bytes) : rows.GetValue(i)))}");
        }

        return string.Join('\n', lines);
    }

    /// <summary>The call fails for this reason, and changes nothing.</summary>
    public async Task Refused<T>(string reason, Func<AsyncUnaryCall<T>> call)
    {
        var before = await SnapshotAsync();
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await call());
        Assert.Equal(reason, Beacon.ServiceDefaults.Fault.ReasonOf(refused));
        Assert.Equal(before, await SnapshotAsync());
    }

    /// <summary>Runs SQL as somebody with another connection would.</summary>
    public async Task SqlAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(Directory, "ledger.db")};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Texts of the tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    public async Task StopAsync()
    {
        _channel.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        SqliteConnection.ClearAllPools();
    }
}

/// <summary>Answers who broadcasts, and counts how often it was asked.</summary>
internal sealed class FakeTopology : TopologyService.TopologyServiceClient
{
    private int _calls;

    public ConcurrentDictionary<string, string> Broadcasters { get; } = new(StringComparer.Ordinal);

    public int Calls => _calls;

    public bool Unreachable { get; set; }

    public override AsyncUnaryCall<GetStreamResponse> GetStreamAsync(GetStreamRequest request, CallOptions options)
    {
        Interlocked.Increment(ref _calls);
        return new AsyncUnaryCall<GetStreamResponse>(Answer(request.StreamId), Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
    }

    private Task<GetStreamResponse> Answer(string streamId)
    {
        if (Unreachable)
            return Task.FromException<GetStreamResponse>(new RpcException(new Status(StatusCode.Unavailable, "connection refused")));
        return Broadcasters.TryGetValue(streamId, out var broadcaster)
            ? Task.FromResult(new GetStreamResponse
            {
                Stream = new LiveStream
                {
                    StreamId = streamId,
                    BroadcasterAccountId = broadcaster,
                    StartedAt = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)),
                },
            })
            : Task.FromException<GetStreamResponse>(CommonErrors.UnknownStream.Exception());
    }
}

/// <summary>What the ledger told the bus. The in-memory bus delivers side by side, so the order of arrival says nothing.</summary>
internal sealed class Heard
{
    private readonly Channel<object> _messages = Channel.CreateUnbounded<object>();
    private readonly List<object> _passedOver = [];

    public void Add(object message) => _messages.Writer.TryWrite(message);

    /// <summary>Takes a message that fits, waiting for it; the others stay for later calls.</summary>
    public async Task<T> NextAsync<T>(Func<T, bool> fits)
    {
        var kept = _passedOver.FindIndex(message => message is T typed && fits(typed));
        if (kept >= 0)
        {
            var found = (T)_passedOver[kept];
            _passedOver.RemoveAt(kept);
            return found;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        try
        {
            await foreach (var message in _messages.Reader.ReadAllAsync(limit.Token))
            {
                if (message is T typed && fits(typed))
                    return typed;
                _passedOver.Add(message);
            }
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            Assert.Fail($"No {typeof(T).Name} that fits was heard; only: {string.Join("; ", _passedOver)}");
        }

        throw new InvalidOperationException("The channel of messages is never completed.");
    }
}

internal sealed class Listener(Heard heard) : IConsumer<CreditsEarned>, IConsumer<TipPosted>
{
    public Task Consume(ConsumeContext<CreditsEarned> context) => Note(context.Message);

    public Task Consume(ConsumeContext<TipPosted> context) => Note(context.Message);

    private Task Note(object message)
    {
        heard.Add(message);
        return Task.CompletedTask;
    }
}
