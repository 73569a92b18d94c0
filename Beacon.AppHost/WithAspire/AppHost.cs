using Beacon.AppHost;

// The picture of Beacon. With a container runtime: the four services with Redis and RabbitMQ. Without: Beacon.Server, which needs neither.
var builder = DistributedApplication.CreateBuilder(args);
var isRun = builder.ExecutionContext.IsRunMode;

if (isRun && !ContainerRuntime.Answers())
{
    builder.AddProject<Projects.Beacon_Server>("beacon")
        .WithHttpEndpoint(port: 8080, name: "http", env: "Beacon__Endpoints__HttpPort")
        .WithHttpEndpoint(port: 8081, name: "grpc", env: "Beacon__Endpoints__GrpcPort")
        .WithEndpoint("grpc", grpc => grpc.Transport = "http2")
        .WithEnvironment("ASPNETCORE_ENVIRONMENT", "Development")
        .WithHttpHealthCheck("/health", endpointName: "http")
        .WithExternalHttpEndpoints()
        .WithUrlForEndpoint("http", url => url.DisplayText = "Pages")
        .WithUrlForEndpoint("http", _ => new() { Url = "/scalar", DisplayText = "API" });
    builder.Build().Run();
    return;
}

// What is published, and for whom: --Publish:For compose (the default) or kubernetes.
if (!isRun && builder.Configuration["Publish:For"] == "kubernetes")
{
#if ASPIRE_KUBERNETES
    builder.AddKubernetesEnvironment("beacon");
#else
    throw new InvalidOperationException("Publishing for Kubernetes needs the package Aspire.Hosting.Kubernetes, which this build did not find. The chart is deploy/helm/beacon.");
#endif
}
else if (!isRun)
{
    builder.AddDockerComposeEnvironment("beacon");
}

// 64 letters and digits are valid base64 of 48 bytes, which is how the services read it.
var serviceKey = builder.AddParameter("service-key", new GenerateParameterDefault { MinLength = 64, Special = false }, secret: true);
var operatorKey = builder.AddParameter("operator-key", new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true);

// The names are those of the connection strings: ConnectionStrings:redis, ConnectionStrings:bus.
var redis = builder.AddRedis("redis");
var bus = builder.AddRabbitMQ("bus").WithManagementPlugin()
    .WithUrlForEndpoint("management", url => url.DisplayText = "RabbitMQ");
if (!isRun)
{
    // Without a volume a stack that is deployed anew would have forgotten its live streams and its messages.
    redis.WithDataVolume().WithPersistence();
    bus.WithDataVolume();
}

// Two of each that may be two, so that whoever runs this sees a cluster, and not what happens to work with one.
var topology = AsService(builder.AddProject<Projects.Beacon_Topology>("topology"), "Topology")
    .WithReference(redis).WaitFor(redis)
    .WithEnvironment("Beacon__Topology__Clustering", "Redis")
    .WithReplicas(2);
// Exactly one: its books are one SQLite file.
var ledger = AsService(builder.AddProject<Projects.Beacon_Ledger>("ledger"), "Ledger")
    .WithReference(topology);
var raids = AsService(builder.AddProject<Projects.Beacon_Raids>("raids"), "Raids")
    .WithReference(redis).WaitFor(redis)
    .WithReference(topology)
    .WithReference(ledger)
    .WithReplicas(2);

// The public origin: pages, REST of all services, the WebSocket, and the issuer of access tokens. Its replicas share the issuer's key
// by the data directory.
var signaling = AsService(builder.AddProject<Projects.Beacon_Signaling>("signaling"), "Signaling", httpPort: 8080, grpcPort: 8081)
    .WithReference(redis).WaitFor(redis)
    .WithReference(topology).WaitFor(topology)
    .WithReference(ledger).WaitFor(ledger)
    .WithReference(raids).WaitFor(raids)
    .WithEnvironment("Beacon__Signaling__OperatorKey", operatorKey)
    .WithExternalHttpEndpoints()
    .WithUrlForEndpoint("http", url => url.DisplayText = "Pages")
    .WithUrlForEndpoint("http", _ => new() { Url = "/scalar", DisplayText = "API" })
    .WithReplicas(isRun ? 2 : 1);

if (isRun)
{
    // On one machine each replica of Topology needs ports of its own to be found by the other.
    topology
        .WithEndpoint(name: "silo", scheme: "tcp", env: "Beacon__Topology__SiloPort")
        .WithEndpoint(name: "gateway", scheme: "tcp", env: "Beacon__Topology__GatewayPort");
}

// The others read Signaling's keys when the first token arrives, so they do not wait for it.
foreach (var service in new[] { topology, ledger, raids })
    service.WithEnvironment("Beacon__Auth__Authority", signaling.GetEndpoint("http"));

builder.Build().Run();

// What every service has: the broker, the shared key, two endpoints (cleartext Kestrel cannot serve HTTP/1.1 and gRPC on one), health.
IResourceBuilder<ProjectResource> AsService(IResourceBuilder<ProjectResource> project, string name, int? httpPort = null, int? grpcPort = null)
{
    project
        .WithReference(bus).WaitFor(bus)
        .WithHttpEndpoint(port: httpPort, targetPort: isRun ? null : 8080, name: "http", env: "Beacon__Endpoints__HttpPort")
        .WithHttpEndpoint(port: grpcPort, targetPort: isRun ? null : 8081, name: "grpc", env: "Beacon__Endpoints__GrpcPort")
        .WithEndpoint("grpc", grpc => grpc.Transport = "http2")
        .WithEnvironment("Beacon__Auth__ServiceKey", serviceKey)
        .WithHttpHealthCheck("/health", endpointName: "http");
    return isRun
        ? project
            .WithEnvironment("ASPNETCORE_ENVIRONMENT", "Development")
            .WithEnvironment("Beacon__Endpoints__Address", "127.0.0.1")
            // From the project's directory, which is the content root: one folder for the whole stack, the same after each start.
            .WithEnvironment("Beacon__DataDirectory", "../../.beacon")
        // The same image as everywhere, which has the address and the data directory in it.
        : project.PublishAsDockerFile(image => image
            .WithDockerfile("..", "deploy/Dockerfile")
            .WithBuildArg("SERVICE", name)
            .WithVolume($"beacon-{project.Resource.Name}", "/data"));
}
