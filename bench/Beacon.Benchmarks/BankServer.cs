using System.CommandLine;
using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
using Beacon.Ledger;
using Beacon.Ledger.Journal;
using Beacon.Ledger.Operations;
using Beacon.ServiceDefaults;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Beacon.Benchmarks;

/// <summary>The ledger in a process of its own, as a host composes it, so that it can be killed: <c>bank-server</c>, started by <c>bank</c>.</summary>
internal static class BankServer
{
    public const string Name = "bank-server";
    private const string Issuer = "bank";

    public static Command Create()
    {
        var directory = new Option<string>("--directory") { Required = true };
        var grpcPort = new Option<int>("--grpc-port") { Required = true };
        var httpPort = new Option<int>("--http-port") { Required = true };
        var clients = new Option<int>("--clients") { Required = true };
        var command = new Command(Name, "The ledger that a bank test kills and starts again.") { Hidden = true, Options = { directory, grpcPort, httpPort, clients } };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetRequiredValue(directory), parsed.GetValue(grpcPort), parsed.GetValue(httpPort), parsed.GetValue(clients), cancellationToken));
        return command;
    }

    public static string StreamOf(int client) => string.Create(CultureInfo.InvariantCulture, $"0195a000-0000-7000-8000-{client:D12}");

    /// <summary>Writes the key that tokens are signed with.</summary>
    public static async Task WriteKeyAsync(string directory, CancellationToken cancellationToken)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllBytesAsync(KeyFile(directory), key.ExportPkcs8PrivateKey(), cancellationToken);
    }

    public static string Token(string directory, string account, string scope) => new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = Issuer,
        Audience = "beacon",
        Subject = new ClaimsIdentity([new Claim("sub", account), new Claim("name", account), new Claim("scope", scope)]),
        Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(1),
        SigningCredentials = new SigningCredentials(ReadKey(directory), SecurityAlgorithms.EcdsaSha256),
    });

    private static async Task<int> RunAsync(string directory, int grpcPort, int httpPort, int clients, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(
        [
            new(DataDirectory.Key, directory),
            new("Beacon:Endpoints:GrpcPort", grpcPort.ToString(CultureInfo.InvariantCulture)),
            new("Beacon:Endpoints:HttpPort", httpPort.ToString(CultureInfo.InvariantCulture)),
        ]);
        builder.AddServiceDefaults();
        builder.AddLedger();
        foreach (var other in HostedServices.All)
            builder.HostService(other);
        builder.AddBus(LedgerService.AddLedgerConsumers);
        builder.Services.Configure<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme, jwt =>
        {
            jwt.TokenValidationParameters.ValidIssuer = Issuer;
            jwt.TokenValidationParameters.IssuerSigningKey = ReadKey(directory);
        });
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapLedger();
        await app.StartAsync(cancellationToken);
        await app.Services.GetRequiredService<LedgerWriter>().ExecuteAsync(
            state =>
            {
                for (var client = 0; client < clients; client++)
                    StreamFacts.Started(state, StreamOf(client), $"c{client}", startedAtMs: 1);
                return true;
            },
            waitForRoom: true,
            cancellationToken);
        await app.WaitForShutdownAsync(cancellationToken);
        return 0;
    }

    private static ECDsaSecurityKey ReadKey(string directory)
    {
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(File.ReadAllBytes(KeyFile(directory)), out _);
        return new ECDsaSecurityKey(key);
    }

    private static string KeyFile(string directory) => Path.Combine(directory, "bank.p8");
}
