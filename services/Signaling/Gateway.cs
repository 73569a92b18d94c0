using System.Net;
using Beacon.ServiceDefaults;
using Google.Api;
using Google.Protobuf.Reflection;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Beacon.Signaling;

/// <summary>
/// Makes this service the single public origin: the REST and gRPC calls of services that run elsewhere are forwarded there. The
/// routes come from the contracts, so a new RPC needs no line here. What has no REST rule is for services only and is not forwarded.
/// </summary>
internal static class Gateway
{
    private static readonly (string Service, FileDescriptor File)[] Contracts =
    [
        (HostedServices.Topology, Beacon.Contracts.Topology.V1.TopologyServiceReflection.Descriptor),
        (HostedServices.Ledger, Beacon.Contracts.Ledger.V1.LedgerServiceReflection.Descriptor),
        (HostedServices.Raids, Beacon.Contracts.Raids.V1.RaidsServiceReflection.Descriptor),
    ];

    private static readonly ForwarderRequestConfig Http2 = new() { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

    public static void AddGateway(this WebApplicationBuilder builder)
    {
        builder.Services.AddReverseProxy();
        // Made when the proxy starts: until then a service of this process may still be added.
        builder.Services.AddSingleton<IProxyConfigProvider>(_ => RoutesToOthers(builder));
    }

    /// <summary>Forwards; a service that cannot be reached is an error that can be tried again, as everywhere.</summary>
    public static void MapGateway(this WebApplication app) => app.MapReverseProxy(proxy =>
    {
        proxy.Use(async (context, next) =>
        {
            await next();
            if (context.GetForwarderErrorFeature() is not null && !context.Response.HasStarted)
                await ErrorJson.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, CommonErrors.ServiceUnavailable);
        });
        proxy.UseLoadBalancing();
    });

    private static InMemoryConfigProvider RoutesToOthers(WebApplicationBuilder builder)
    {
        var elsewhere = Contracts.Where(contract => !builder.Hosts(contract.Service)).ToArray();
        var clusters = elsewhere.SelectMany(contract => new[] { Cluster(builder, contract.Service, "http", request: null), Cluster(builder, contract.Service, "grpc", Http2) }).ToArray();
        var rest = elsewhere.SelectMany(contract => Public(contract.File)
            .SelectMany(service => service.Methods)
            .Select(method => (Method: method, Rule: RuleOf(method)))
            .Where(rpc => rpc.Rule is not null)
            .Select(rpc => Route(contract.Service, rpc.Method, rpc.Rule!)));
        var grpc = elsewhere.SelectMany(contract => Public(contract.File).Select(service => new RouteConfig
        {
            RouteId = service.FullName,
            ClusterId = $"{contract.Service}-grpc",
            Match = new RouteMatch { Path = $"/{service.FullName}/{{method}}", Methods = ["POST"] },
        }));
        return new InMemoryConfigProvider([.. rest, .. grpc], clusters);
    }

    private static ClusterConfig Cluster(WebApplicationBuilder builder, string service, string endpoint, ForwarderRequestConfig? request) => new()
    {
        ClusterId = $"{service}-{endpoint}",
        HttpRequest = request,
        Destinations = builder.Configuration.GetSection($"services:{service}:{endpoint}").GetChildren()
            .ToDictionary(address => address.Key, address => new DestinationConfig { Address = address.Value ?? "" }, StringComparer.Ordinal),
    };

    private static IEnumerable<ServiceDescriptor> Public(FileDescriptor file) => file.Services.Where(service => service.Methods.Any(method => RuleOf(method) is not null));

    private static HttpRule? RuleOf(MethodDescriptor method) => method.GetOptions()?.GetExtension(AnnotationsExtensions.Http);

    private static RouteConfig Route(string service, MethodDescriptor method, HttpRule rule)
    {
        var (verb, path) = rule.PatternCase switch
        {
            HttpRule.PatternOneofCase.Get => ("GET", rule.Get),
            HttpRule.PatternOneofCase.Put => ("PUT", rule.Put),
            HttpRule.PatternOneofCase.Post => ("POST", rule.Post),
            HttpRule.PatternOneofCase.Delete => ("DELETE", rule.Delete),
            HttpRule.PatternOneofCase.Patch => ("PATCH", rule.Patch),
            _ => throw new NotSupportedException($"{method.FullName} has an HTTP rule that the gateway does not know."),
        };
        return new RouteConfig
        {
            RouteId = method.FullName,
            ClusterId = $"{service}-http",
            Match = new RouteMatch { Path = path, Methods = [verb] },
        };
    }
}
