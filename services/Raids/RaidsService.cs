using Beacon.Contracts.Events;
using Beacon.Contracts.Ledger.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.Raids.Channels;
using Beacon.Raids.Life;
using Beacon.Raids.Streams;
using Beacon.ServiceDefaults;
using MassTransit;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Beacon.Raids;

/// <summary>Raids as a host composes it: the directory of live streams, and what becomes of an audience when its stream ends.</summary>
public static class RaidsService
{
    public static void AddRaids(this WebApplicationBuilder builder)
    {
        builder.HostService(HostedServices.Raids);
        builder.AddRedis();
        builder.AddServiceClient<TopologyService.TopologyServiceClient>(HostedServices.Topology);
        builder.AddServiceClient<LedgerService.LedgerServiceClient>(HostedServices.Ledger);
        builder.AddServiceClient<TopologyEdgeService.TopologyEdgeServiceClient>(HostedServices.Topology);
        builder.Services.AddOptions<RaidsOptions>().BindConfiguration(RaidsOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.TryAddSingleton<Randomness>(CryptographicRandomness.Next);
        builder.Services.AddSingleton<RaidsMetrics>();
        builder.Services.AddSingleton<StreamDirectory>();
        builder.Services.AddSingleton<RaidStore>();
        builder.Services.AddSingleton<SettingsStore>();
        builder.Services.AddSingleton<AutoHosting>();
        builder.Services.AddSingleton<TargetFinder>();
        builder.Services.AddSingleton<RaidMover>();
        builder.Services.AddSingleton<RaidRunner>();
        builder.Services.AddSingleton<RaidCommands>();
        builder.Services.AddSingleton<StreamHandover>();
        builder.Services.AddSingleton<DirectoryFeed>();
        builder.Services.AddSingleton<DirectoryRebuild>();
        builder.Services.AddHostedService(services => services.GetRequiredService<DirectoryRebuild>());
        builder.Services.AddHealthChecks().AddCheck<DirectoryRebuild>("directory");
        builder.Services.AddHostedService(services => services.GetRequiredService<DirectoryFeed>());
        builder.Services.AddHostedService(services => services.GetRequiredService<RaidRunner>());
    }

    public static void AddRaidsConsumers(IBusRegistrationConfigurator bus)
    {
        bus.AddConsumer<StreamStartedConsumer>().Endpoint(endpoint => endpoint.Name = BusEndpoints.RaidsStreamStarted);
        bus.AddConsumer<StreamAudienceChangedConsumer>().Endpoint(endpoint => endpoint.Name = BusEndpoints.RaidsStreamAudienceChanged);
        bus.AddConsumer<StreamEndedConsumer>().Endpoint(endpoint => endpoint.Name = BusEndpoints.RaidsStreamEnded);
        bus.AddConsumer<SquadChangedConsumer>().Endpoint(endpoint => endpoint.Name = BusEndpoints.RaidsSquadChanged);
        bus.AddConsumer<RaidDeclinedConsumer>().Endpoint(endpoint => endpoint.Name = BusEndpoints.RaidsRaidDeclined);
        bus.AddConsumer<BroadcasterAwayConsumer>().Endpoint(endpoint => endpoint.Name = BusEndpoints.RaidsBroadcasterAway);
    }

    public static void MapRaids(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.Lifetime.ApplicationStarted.Register(app.Services.GetRequiredService<RaidsMetrics>().Begin);
        app.MapGrpcService<RaidsGrpc>();
    }
}
