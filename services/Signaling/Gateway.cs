using Beacon.ServiceDefaults;
using Google.Api;
using Google.Protobuf.Reflection;
using Yarp.ReverseProxy.Configuration;

namespace Beacon.Signaling;

/// <summary>
/// Makes this service the single public origin: the REST calls of services that run elsewhere are forwarded there. The
/// routes come from the contracts, so a new RPC needs no line here.
/// </summary>
internal static class Gateway
{
    private static readonly (string Service, FileDescriptor File)[] Contracts =
    [
        (HostedServices.Topology, Beacon.Contracts.Topology.V1.TopologyServiceReflection.Descriptor),
        (HostedServices.Ledger, Beacon.Contracts.Ledger.V1.LedgerServiceReflection.Descriptor),
        (HostedServices.Raids, Beacon.Contracts.Raids.V1.RaidsServiceReflection.Descriptor),
    ];

    public static void AddGateway(this WebApplicationBuilder builder)
    {
        builder.Services.AddReverseProxy();
        // Made when the proxy starts: until then a service of this process may still be added.
        builder.Services.AddSingleton<IProxyConfigProvider>(_ => RoutesToOthers(builder));
    }

    private static InMemoryConfigProvider RoutesToOthers(WebApplicationBuilder builder)
    {
        var elsewhere = Contracts.Where(contract => !builder.Hosts(contract.Service)).ToArray();
        var clusters = elsewhere.Select(contract => new ClusterConfig
        {
            ClusterId = contract.Service,
            Destinations = builder.Configuration.GetSection($"services:{contract.Service}:http").GetChildren()
                .ToDictionary(address => address.Key, address => new DestinationConfig { Address = address.Value ?? "" }, StringComparer.Ordinal),
        }).ToArray();
        var routes = elsewhere.SelectMany(contract => contract.File.Services
            .SelectMany(service => service.Methods)
            .Select(method => (Method: method, Rule: method.GetOptions()?.GetExtension(AnnotationsExtensions.Http)))
            .Where(rpc => rpc.Rule is not null)
            .Select(rpc => Route(contract.Service, rpc.Method, rpc.Rule!))).ToArray();
        return new InMemoryConfigProvider(routes, clusters);
    }

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
            ClusterId = service,
            Match = new RouteMatch { Path = path, Methods = [verb] },
        };
    }
}
