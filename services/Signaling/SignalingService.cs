using System.Diagnostics.Metrics;
using System.Text;
using Beacon.Contracts.Ledger.V1;
using Beacon.Contracts.Raids.V1;
using Beacon.Contracts.Signaling.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Signaling.Bus;
using Beacon.Signaling.Calls;
using Beacon.Signaling.Identity;
using Beacon.Signaling.OpenApi;
using Beacon.Signaling.Sessions;
using MassTransit;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling;

/// <summary>The edge: sessions, signals, tickets, guest accounts, the pages and the gateway.</summary>
public static class SignalingService
{
    private const string SocketPath = "/ws";
    private static readonly object RevokedItem = new();

    public static void AddSignaling(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.HostService(HostedServices.Signaling);
        builder.Services.AddOptions<SignalingOptions>()
            .BindConfiguration(SignalingOptions.Section)
            .ValidateDataAnnotations()
            .ValidateOnStart();

        builder.AddRedis();
        builder.AddServiceClient<TopologyEdgeService.TopologyEdgeServiceClient>(HostedServices.Topology);
        builder.AddServiceClient<LedgerAccountsService.LedgerAccountsServiceClient>(HostedServices.Ledger);
        builder.AddServiceClient<RaidsService.RaidsServiceClient>(HostedServices.Raids);
        builder.AddGateway();
        AddIdentity(builder);

        // A frame is handled in microseconds and awaits what is slow: going on at once on the thread that heard the socket saves two handovers a frame.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.ConfigureEndpointDefaults(Handover.Use));
        builder.Services.AddSingleton<CallRates>();
        builder.Services.AddSingleton<Edge>();
        builder.Services.AddSingleton<Tickets.Tickets>();
        builder.Services.AddSingleton<Directives>();
        builder.Services.AddSingleton<TopologyReplicas>();
        builder.Services.AddSingleton<TopologyCalls>();
        builder.Services.AddSingleton<Handshakes>();
        builder.Services.AddSingleton<RaidNotices>();
        builder.Services.AddSingleton<Inbox>();
        builder.Services.AddSingleton<FrameHandler>();
        builder.Services.AddSingleton<SocketEndpoint>();
        AddHosted<SignalRouter>(builder.Services);
        AddHosted<ReportBatcher>(builder.Services);
        AddHosted<SessionSweep>(builder.Services);
        AddHosted<Departures>(builder.Services);
        AddHosted<SessionsStop>(builder.Services);
        AddHosted<Drain>(builder.Services);
        builder.Services.AddHealthChecks().AddCheck<Drain>("edge");
        builder.Services.AddSingleton<SignalingMetrics>();
    }

    public static void AddSignalingConsumers(IBusRegistrationConfigurator bus)
    {
        ArgumentNullException.ThrowIfNull(bus);
        bus.AddConsumer<EdgeConsumers, EdgeConsumersDefinition>();
        bus.AddConsumer<RaidConsumers, RaidConsumersDefinition>();
    }

    public static void MapSignaling(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.Services.GetRequiredService<SignalingMetrics>();
        Log.EdgeReady(app.Logger, app.Services.GetRequiredService<Edge>().Id);
        app.Use(RefuseRevoked);
        app.Use(app.Services.GetRequiredService<CallRates>().LimitAsync);
        app.MapGet(SocketPath, (HttpContext context, SocketEndpoint endpoint) => endpoint.AcceptAsync(context)).AllowAnonymous().ExcludeFromDescription();
        app.MapGrpcService<SignalingGrpc>();
        app.MapGrpcService<SignalingOperatorGrpc>();
        app.MapDiscovery();
        app.MapOpenApiDocument();
        app.MapGateway();
        app.MapPages();
    }

    private static void AddIdentity(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(new IssuerKey(builder.SecretFile("issuer.p8", IssuerKey.Make)));
        var operatorKey = Encoding.ASCII.GetString(builder.SecretFile("operator.key", OperatorKey.Make));
        builder.Services.AddSingleton(services => new OperatorKey(operatorKey, services.GetRequiredService<IOptions<SignalingOptions>>()));
        builder.Services.AddSingleton<GuestIssuer>();
        builder.Services.AddSingleton<GuestRates>();
        builder.Services.AddSingleton<AccessTokens>();
        builder.Services.AddSingleton<SocketTickets>();
        AddHosted<Revocations>(builder.Services);
        builder.Services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .PostConfigure<IssuerKey, Revocations, SocketTickets, TimeProvider, IOptions<AuthOptions>>((jwt, key, revocations, tickets, clock, auth) =>
            {
                jwt.TokenValidationParameters.LifetimeValidator = AccessTokens.LifetimeBy(clock);
                var received = jwt.Events.OnMessageReceived;
                jwt.Events.OnMessageReceived = async context =>
                {
                    if (context.Request.Path != SocketPath)
                    {
                        await received(context);
                        return;
                    }

                    context.Token = context.Request.Query.TryGetValue("ticket", out var ticket)
                        ? await tickets.RedeemAsync(ticket.ToString()) ?? "used up"
                        : AccessTokens.TokenOf(context.Request);
                };
                var challenge = jwt.Events.OnChallenge;
                jwt.Events.OnChallenge = context =>
                {
                    if (!context.HttpContext.Items.ContainsKey(RevokedItem))
                        return challenge(context);
                    context.HandleResponse();
                    return ErrorJson.RefuseAsync(context.HttpContext, StatusCodes.Status401Unauthorized, SignalingErrors.TokenRevoked);
                };
                var inner = jwt.Events.OnTokenValidated;
                jwt.Events.OnTokenValidated = async context =>
                {
                    await inner(context);
                    var user = context.Principal!;
                    if (user.FindFirst("sub") is not { } account)
                        context.Fail("The token names no account.");
                    else if (revocations.Covers(account.Value, user.FindFirst("jti")?.Value ?? "", user.FindFirst("sid")?.Value ?? "", AccessTokens.IssuedAt(user)))
                    {
                        context.HttpContext.Items[RevokedItem] = true;
                        context.Fail("The token was taken back.");
                    }
                };
                if (auth.Value.Authority.Length > 0)
                    return;
                // This process is the authority.
                jwt.TokenValidationParameters.ValidIssuer = IssuerKey.Issuer;
                jwt.TokenValidationParameters.IssuerSigningKey = key.SecurityKey;
            });
    }

    /// <summary>Also for calls that go on to services which do not know the list of revocations.</summary>
    private static Task RefuseRevoked(HttpContext context, RequestDelegate next) =>
        context.Items.ContainsKey(RevokedItem) && context.Request.Path != SocketPath
            ? ErrorJson.RefuseAsync(context, StatusCodes.Status401Unauthorized, SignalingErrors.TokenRevoked)
            : next(context);

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
    private readonly Histogram<double> _joinDuration;

    public SignalingMetrics(Edge edge)
    {
        _parentFaults = _meter.CreateCounter<long>("beacon.signaling.parent_faults", "{fault}", "Parents that children left because of bad chunks, replays, loss or silence, by kind.");
        _joinDuration = _meter.CreateHistogram("beacon.signaling.join.duration", "s", "From a viewer's join-stream until it was told its first parent.", advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60],
        });
        _meter.CreateObservableGauge("beacon.signaling.sessions", () => edge.SessionCount, "{session}", "Open WebSocket sessions of this replica.");
        _meter.CreateObservableGauge("beacon.signaling.peers", () => edge.SeatCount, "{peer}", "Peers whose session is on this replica.");
    }

    public void ParentFaulted(FaultKind kind) =>
        _parentFaults.Add(1, new KeyValuePair<string, object?>("kind", Enum.IsDefined(kind) ? kind.ToString() : nameof(FaultKind.Unspecified)));

    public void Joined(TimeSpan duration) => _joinDuration.Record(duration.TotalSeconds);

    public void Dispose() => _meter.Dispose();
}
