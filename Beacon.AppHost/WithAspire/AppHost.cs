using Beacon.AppHost;

// The picture of Beacon. With a container runtime: the four services with Redis and RabbitMQ. Without: Beacon.Server, which needs neither.
var builder = DistributedApplication.CreateBuilder(args);

if (!ContainerRuntime.Answers())
{
    builder.AddProject<Projects.Beacon_Server>("beacon")
        .WithHttpEndpoint(port: 8080, name: "http", env: "Beacon__Endpoints__HttpPort")
        .WithHttpEndpoint(port: 8081, name: "grpc", env: "Beacon__Endpoints__GrpcPort")
        .WithEndpoint("grpc", grpc => grpc.Transport = "http2")
        .WithEnvironment("ASPNETCORE_ENVIRONMENT", "Development")
        .WithHttpHealthCheck("/health")
        .WithExternalHttpEndpoints()
        .WithUrlForEndpoint("http", url => url.DisplayText = "Pages");
    builder.Build().Run();
    return;
}

// 64 letters and digits are valid base64 of 48 bytes, which is how the services read it.
var serviceKey = builder.AddParameter("service-key", new GenerateParameterDefault { MinLength = 64, Special = false }, secret: true);

// The names are those of the connection strings: ConnectionStrings:redis, ConnectionStrings:bus.
var redis = builder.AddRedis("redis");
var bus = builder.AddRabbitMQ("bus").WithManagementPlugin();

var topology = AsService(builder.AddProject<Projects.Beacon_Topology>("topology"))
    .WithReference(redis).WaitFor(redis);
var ledger = AsService(builder.AddProject<Projects.Beacon_Ledger>("ledger"))
    .WithReference(topology);
var raids = AsService(builder.AddProject<Projects.Beacon_Raids>("raids"))
    .WithReference(redis).WaitFor(redis)
    .WithReference(topology).WaitFor(topology)
    .WithReference(ledger);

// The public origin: pages, REST of all services, the WebSocket, and the issuer of access tokens.
var signaling = AsService(builder.AddProject<Projects.Beacon_Signaling>("signaling"), httpPort: 8080, grpcPort: 8081)
    .WithReference(redis).WaitFor(redis)
    .WithReference(topology).WaitFor(topology)
    .WithReference(ledger).WaitFor(ledger)
    .WithReference(raids).WaitFor(raids)
    .WithExternalHttpEndpoints()
    .WithUrlForEndpoint("http", url => url.DisplayText = "Pages");

// The others read Signaling's keys when the first token arrives, so they do not wait for it.
foreach (var service in new[] { topology, ledger, raids })
    service.WithEnvironment("Beacon__Auth__Authority", signaling.GetEndpoint("http"));

builder.Build().Run();

// What every service has: the broker, the shared key, two endpoints (cleartext Kestrel cannot serve HTTP/1.1 and gRPC on one), health.
IResourceBuilder<ProjectResource> AsService(IResourceBuilder<ProjectResource> project, int? httpPort = null, int? grpcPort = null) => project
    .WithReference(bus).WaitFor(bus)
    .WithHttpEndpoint(port: httpPort, name: "http", env: "Beacon__Endpoints__HttpPort")
    .WithHttpEndpoint(port: grpcPort, name: "grpc", env: "Beacon__Endpoints__GrpcPort")
    .WithEndpoint("grpc", grpc => grpc.Transport = "http2")
    .WithEnvironment("ASPNETCORE_ENVIRONMENT", "Development")
    .WithEnvironment("Beacon__Endpoints__Address", "127.0.0.1")
    .WithEnvironment("Beacon__Auth__ServiceKey", serviceKey)
    // From the project's directory, which is the content root: one folder for the whole stack, the same after each start.
    .WithEnvironment("Beacon__DataDirectory", "../../.beacon")
    .WithHttpHealthCheck("/health");
