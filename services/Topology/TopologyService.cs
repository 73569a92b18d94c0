using Beacon.ServiceDefaults;
using Beacon.Topology.Grpc;
using Beacon.Topology.Streams;
using MassTransit;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Orleans.Configuration;

namespace Beacon.Topology;

/// <summary>What a host calls to have the topology service.</summary>
public static class TopologyService
{
    /// <summary>Adds the streams' owners, their record in Redis and the gRPC services.</summary>
    public static void AddTopology(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.HostService(HostedServices.Topology);
        builder.Services.AddOptions<TopologyOptions>()
            .BindConfiguration(TopologyOptions.Section)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.AddRedis();
        builder.Services.AddSingleton<TopologyMetrics>();
        builder.Services.AddSingleton<StreamStore>();
        builder.Services.AddSingleton<IStreamJournal>(services => services.GetRequiredService<StreamStore>());
        builder.Services.AddSingleton<IEdgeSender, EdgeSender>();
        builder.Services.AddSingleton<CommandQueue>();
        builder.Services.AddSingleton<ReplicaAddress>();
        builder.Services.AddSingleton<StreamCalls>();
        builder.Services.AddSingleton<TreeWatches>();
        builder.Services.AddHostedService<LiveStreamSweeper>();
        builder.Services.AddHealthChecks().AddCheck<TopologyHealth>("topology");
        AddOrleans(builder);
    }

    /// <summary>Topology only tells; it consumes nothing.</summary>
    public static void AddTopologyConsumers(IBusRegistrationConfigurator bus)
    {
        ArgumentNullException.ThrowIfNull(bus);
    }

    /// <summary>Maps the gRPC services and, by transcoding, <c>/api/streams/…</c>.</summary>
    public static void MapTopology(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.Lifetime.ApplicationStarted.Register(app.Services.GetRequiredService<TopologyMetrics>().Begin);
        app.MapGrpcService<TopologyQueries>();
        app.MapGrpcService<TopologyEdge>();
    }

    private static void AddOrleans(WebApplicationBuilder builder)
    {
        var options = builder.Configuration.GetSection(TopologyOptions.Section).Get<TopologyOptions>() ?? new TopologyOptions();
        builder.UseOrleans(silo =>
        {
            if (options.Clustering != TopologyClustering.Localhost)
            {
                // Streams must heal within seconds: Orleans' own default takes 15 s to believe that a replica is lost.
                silo.Configure<ClusterMembershipOptions>(membership =>
                {
                    membership.ProbeTimeout = TimeSpan.FromMilliseconds(options.ProbeMs);
                    // Nobody is given up before so many of these have passed without a message from it: at Orleans' own four times the
                    // probe, a replica that is paused, and so keeps its connections, would hold its streams for eight seconds.
                    membership.MaxProbeTimeout = membership.ProbeTimeout;
                    membership.NumMissedProbesLimit = options.MissedProbes;
                    membership.NumVotesForDeathDeclaration = 1;
                    // After a power cut the table still has replicas of before, under addresses that nobody has any more. A new one does not become
                    // active before all of them answer or have not signed for three of these times: at Orleans' own 30 s that is a minute and a half.
                    membership.IAmAliveTablePublishTimeout = membership.ProbeTimeout * 2;
                });
                silo.UseRedisClustering(clustering => clustering.ConfigurationOptions = RedisConnection.RedisSettings(builder.Configuration));
                if (options.Clustering == TopologyClustering.Kubernetes)
                {
                    // Names, address and cluster come from the pod; a pod that is gone is known to be lost at once.
                    silo.UseKubernetesHosting();
                    return;
                }

                silo.Configure<ClusterOptions>(cluster =>
                {
                    cluster.ClusterId = options.ClusterId;
                    cluster.ServiceId = options.ServiceId;
                });
                silo.ConfigureEndpoints(options.SiloPort, options.GatewayPort);
            }
            else
            {
                silo.UseLocalhostClustering(options.SiloPort, options.GatewayPort, primarySiloEndpoint: null, options.ServiceId, options.ClusterId);
            }
        });
    }

    /// <summary>Ready once this replica answers for streams.</summary>
    private sealed class TopologyHealth(ISiloStatusOracle silo, TopologyMetrics metrics) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult((silo.CurrentStatus, metrics.StreamsInMemory) switch
            {
                (not SiloStatus.Active and var status, _) => HealthCheckResult.Unhealthy($"the silo is {status}"),
                (_, > 0 and var streams) => HealthCheckResult.Degraded($"the record of {streams} streams cannot be written; they are looked after from memory"),
                _ => HealthCheckResult.Healthy(),
            });
    }
}
