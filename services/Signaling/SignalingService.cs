using System.Diagnostics.Metrics;
using System.Text;
using Beacon.Contracts.Ledger.V1;
using Beacon.Contracts.Raids.V1;
using Beacon.Contracts.Signaling.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Signaling.Bus;
using Beacon.Signaling.Identity;
using Beacon.Signaling.OpenApi;
using Beacon.Signaling.Sessions;
using MassTransit;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling;

/// <summary>The edge: sessions, signals, tickets, guest accounts, the pages and the gateway.</summary>
public static class SignalingService
{
    public static void AddSignaling(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.HostService(HostedServices.Signaling);
        builder.Services.AddOptions<SignalingOptions>()
            .BindConfiguration(SignalingOptions.Section)
            .ValidateDataAnnotations()
            .Validate(signaling => signaling.TurnUrls.Count == 0 || signaling.TurnSecret.Length > 0, "Beacon:Signaling:TurnSecret is needed when TurnUrls is set.")
            .ValidateOnStart();

        builder.AddRedis();
        builder.AddServiceClient<TopologyEdgeService.TopologyEdgeServiceClient>(HostedServices.Topology);
        builder.AddServiceClient<LedgerAccountsService.LedgerAccountsServiceClient>(HostedServices.Ledger);
        builder.AddServiceClient<RaidsService.RaidsServiceClient>(HostedServices.Raids);
        builder.AddGateway();
        AddIdentity(builder);

        builder.Services.AddSingleton<Edge>();
        builder.Services.AddSingleton<Tickets.Tickets>();
        builder.Services.AddSingleton<Directives>();
        builder.Services.AddSingleton<FrameHandler>();
        builder.Services.AddSingleton<SocketEndpoint>();
        AddHosted<SignalRouter>(builder.Services);
        AddHosted<ReportBatcher>(builder.Services);
        AddHosted<ExpirySweep>(builder.Services);
        builder.Services.AddSingleton<SignalingMetrics>();
    }

    public static void AddSignalingConsumers(IBusRegistrationConfigurator bus)
    {
        ArgumentNullException.ThrowIfNull(bus);
        bus.AddConsumer<EdgeConsumers, EdgeConsumersDefinition>();
    }

    public static void MapSignaling(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.Services.GetRequiredService<SignalingMetrics>();
        Log.EdgeReady(app.Logger, app.Services.GetRequiredService<Edge>().Id);
        app.UseWebSockets();
        app.MapGet("/ws", (HttpContext context, SocketEndpoint endpoint) => endpoint.AcceptAsync(context)).AllowAnonymous().ExcludeFromDescription();
        app.MapGrpcService<SignalingGrpc>();
        app.MapDiscovery();
        app.MapOpenApiDocument();
        app.MapReverseProxy();
        app.MapPages();
    }

    private static void AddIdentity(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(new IssuerKey(builder.SecretFile("issuer.p8", IssuerKey.Make)));
        var operatorKey = Encoding.ASCII.GetString(builder.SecretFile("operator.key", OperatorKey.Make));
        builder.Services.AddSingleton(services => new OperatorKey(operatorKey, services.GetRequiredService<IOptions<SignalingOptions>>()));
        builder.Services.AddSingleton<GuestIssuer>();
        builder.Services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .PostConfigure<IssuerKey, IOptions<AuthOptions>>((jwt, key, auth) =>
            {
                jwt.Events.OnMessageReceived = context =>
                {
                    context.Token = SocketEndpoint.TokenOf(context.Request);
                    return Task.CompletedTask;
                };
                if (auth.Value.Authority.Length > 0)
                    return;
                // This process is the authority.
                jwt.TokenValidationParameters.ValidIssuer = IssuerKey.Issuer;
                jwt.TokenValidationParameters.IssuerSigningKey = key.SecurityKey;
            });
    }

    private static void AddHosted<T>(IServiceCollection services) where T : class, IHostedService
    {
        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}

/// <summary>What this replica holds.</summary>
internal sealed class SignalingMetrics : IDisposable
{
    private readonly Meter _meter = new("Beacon.Signaling");
    private readonly Counter<long> _parentFaults;

    public SignalingMetrics(Edge edge)
    {
        _parentFaults = _meter.CreateCounter<long>("beacon.signaling.parent_faults", "{fault}", "Parents that children left because of bad chunks, replays, loss or silence, by kind.");
        _meter.CreateObservableGauge("beacon.signaling.sessions", () => edge.SessionCount, "{session}", "Open WebSocket sessions of this replica.");
        _meter.CreateObservableGauge("beacon.signaling.peers", () => edge.SeatCount, "{peer}", "Peers whose session is on this replica.");
    }

    public void ParentFaulted(FaultKind kind) =>
        _parentFaults.Add(1, new KeyValuePair<string, object?>("kind", Enum.IsDefined(kind) ? kind.ToString() : nameof(FaultKind.Unspecified)));

    public void Dispose() => _meter.Dispose();
}
