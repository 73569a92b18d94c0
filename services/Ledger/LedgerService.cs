using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.Ledger.Consumers;
using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;
using Grpc.Core;
using MassTransit;

namespace Beacon.Ledger;

/// <summary>All that a host calls to have the ledger.</summary>
public static class LedgerService
{
    public static void AddLedger(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.HostService(HostedServices.Ledger);
        builder.Services.AddOptions<LedgerOptions>().BindConfiguration(LedgerOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        var database = LedgerDatabases.Of(builder);
        builder.Services.AddSingleton(database);
        database.AddContexts(builder.Services);
        builder.Services.AddSingleton<LedgerMetrics>();
        builder.Services.AddSingleton<LedgerWriter>();
        builder.Services.AddSingleton<StreamOwners>();
        builder.Services.AddSingleton<Statements>();
        builder.Services.AddSingleton<SponsorshipReports>();
        builder.Services.AddSingleton<Withdrawals>();
        builder.Services.AddSingleton<OperatorReports>();
        builder.AddServiceClient<TopologyService.TopologyServiceClient>(HostedServices.Topology);
        // In this order: the database is ready before anything reads it, and closed after the last.
        builder.Services.AddHostedService(services => services.GetRequiredService<LedgerWriter>());
        builder.Services.AddHostedService<Standby>();
        builder.Services.AddHostedService<OutboxPublisher>();
        builder.Services.AddHostedService<BalanceCheck>();
        builder.Services.AddHostedService<Deadlines>();
        builder.Services.AddSingleton<ProofCheck>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ProofCheck>());
        builder.Services.AddSingleton<Backups>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Backups>());
        builder.Services.AddHealthChecks().AddCheck<LedgerHealth>("ledger");
    }

    public static void AddLedgerConsumers(IBusRegistrationConfigurator bus)
    {
        ArgumentNullException.ThrowIfNull(bus);
        bus.AddConsumer<RelayWorkConsumer>(consumer => consumer.UseMessageRetry(WhileUnavailable)).Endpoint(endpoint => endpoint.Name = BusEndpoints.LedgerRelayWorkVerified);
        bus.AddConsumer<StreamStartedConsumer>(consumer => consumer.UseMessageRetry(WhileUnavailable)).Endpoint(endpoint => endpoint.Name = BusEndpoints.LedgerStreamStarted);
        bus.AddConsumer<StreamEndedConsumer>(consumer => consumer.UseMessageRetry(WhileUnavailable)).Endpoint(endpoint => endpoint.Name = BusEndpoints.LedgerStreamEnded);

        // A disk that is full for some minutes must not cost anybody's pay; the bus's own retries give up within two seconds.
        static void WhileUnavailable(IRetryConfigurator retry)
        {
            retry.Handle<RpcException>(exception => exception.StatusCode == StatusCode.Unavailable);
            retry.Exponential(20, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(200));
        }
    }

    public static void MapLedger(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.Lifetime.ApplicationStarted.Register(app.Services.GetRequiredService<LedgerMetrics>().Begin);
        app.MapGrpcService<LedgerGrpc>();
        app.MapGrpcService<LedgerOperatorGrpc>();
        app.MapGrpcService<LedgerAccountsGrpc>();
        app.MapGrpcService<LedgerBackupsGrpc>();
    }
}
