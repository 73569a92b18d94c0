using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Beacon.Deploy.Tests;

/// <summary>AppHost, compose file and chart are three pictures of one system.</summary>
public sealed partial class AgreementTests(Helm helm)
{
    private static readonly string[] Services = ["ledger", "raids", "signaling", "topology"];

    /// <summary>Values of the chart that have a default everywhere else.</summary>
    private static readonly string[] OnlyInTheChart = ["Beacon__Auth__Audience", "Beacon__Endpoints__DrainSeconds", "Beacon__Signaling__TurnSecret"];

    [Fact]
    public async Task The_same_services_call_the_same_services()
    {
        var chart = Manifests.Parse(await helm.TemplateAsync()).Workloads.ToDictionary(
            workload => workload.Template.Metadata.Labels["app.kubernetes.io/component"],
            workload => Referenced(workload.Template.Spec.Containers[0].Env.Select(variable => variable.Name)),
            StringComparer.Ordinal);
        var compose = Compose();
        var appHost = AppHostReferences();

        foreach (var service in Services)
        {
            Assert.Equal(appHost[service], Referenced(compose[service].Keys));
            Assert.Equal(appHost[service], chart[service]);
            Assert.Equal(Called(service), chart[service]);
        }
    }

    /// <summary>What a service cannot do without is told to it in every picture, under the same name.</summary>
    [Fact]
    public async Task Every_service_is_told_the_same_things()
    {
        var chart = Manifests.Parse(await helm.TemplateAsync()).Workloads.ToDictionary(
            workload => workload.Template.Metadata.Labels["app.kubernetes.io/component"],
            workload => workload.Template.Spec.Containers[0].Env.Select(variable => variable.Name).Where(IsOurs).Except(OnlyInTheChart, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList(),
            StringComparer.Ordinal);
        var compose = Compose();
        // One file for all four: whoever has no use for an entry passes it over.
        var shared = SharedVariable().Matches(Repository.Read("deploy/make-env.sh")).Select(match => match.Groups["name"].Value).ToList();
        var appHost = AppHostEnvironment();

        foreach (var service in Services)
        {
            Assert.Equal(chart[service], appHost[service]);
            Assert.Empty(chart[service].Except(compose[service].Keys.Concat(shared), StringComparer.Ordinal));
        }

        Assert.Equal(["Beacon__Auth__Authority", "Beacon__Auth__ServiceKey", "ConnectionStrings__bus"], chart["ledger"]);
    }

    [Fact]
    public async Task Every_option_that_is_set_exists()
    {
        var page = Repository.Read("docs/configuration.md");
        var set = (await helm.TemplateAsync("ingress.enabled=true"))
            + Repository.Read("docker-compose.yml")
            + Repository.Read("deploy/Dockerfile")
            + Repository.Read("deploy/make-env.sh")
            + Repository.Read("Beacon.AppHost/WithAspire/AppHost.cs");

        var names = OptionName().Matches(set).Select(match => match.Value.Replace("__", ":", StringComparison.Ordinal)).Distinct(StringComparer.Ordinal).ToList();

        Assert.Contains("Beacon:Auth:ServiceKey", names);
        Assert.All(names, name => Assert.Contains($"`{name}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_service_listens_on_the_same_two_ports()
    {
        foreach (var (_, template, _) in Manifests.Parse(await helm.TemplateAsync()).Workloads)
        {
            var ports = template.Spec.Containers[0].Ports.ToDictionary(port => port.Name, port => port.ContainerPort, StringComparer.Ordinal);
            Assert.Equal((8080, 8081), (ports["http"], ports["grpc"]));
        }

        var appHost = Repository.Read("Beacon.AppHost/WithAspire/AppHost.cs");
        Assert.Contains("targetPort: isRun ? null : 8080, name: \"http\"", appHost, StringComparison.Ordinal);
        Assert.Contains("targetPort: isRun ? null : 8081, name: \"grpc\"", appHost, StringComparison.Ordinal);
        Assert.Contains("EXPOSE 8080 8081", Repository.Read("deploy/Dockerfile"), StringComparison.Ordinal);
        foreach (var (service, environment) in Compose())
        {
            foreach (var (name, url) in environment.Where(variable => variable.Key.StartsWith("services__", StringComparison.Ordinal)))
            {
                var parts = name.Split("__");
                Assert.Equal($"http://{parts[1]}:{(parts[2] == "grpc" ? 8081 : 8080)}", url);
            }

            Assert.Contains(service, Services);
        }
    }

    /// <summary>Whom a service has gRPC clients of, by its code.</summary>
    private static List<string> Called(string service)
    {
        var name = char.ToUpperInvariant(service[0]) + service[1..];
        return [.. Client().Matches(Repository.Read($"services/{name}/{name}Service.cs")).Select(match => match.Groups["name"].Value).Select(called => called.ToLowerInvariant()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>Environment of the four services in the compose file.</summary>
    private static Dictionary<string, Dictionary<string, string>> Compose()
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(Repository.Read("docker-compose.yml")));
        var services = (YamlMappingNode)((YamlMappingNode)yaml.Documents[0].RootNode).Children["services"];
        return services.Children
            .Where(service => Services.Contains(service.Key.ToString()))
            .ToDictionary(
                service => service.Key.ToString(),
                service => ((YamlMappingNode)((YamlMappingNode)service.Value).Children["environment"]).Children
                    .ToDictionary(variable => variable.Key.ToString(), variable => variable.Value.ToString(), StringComparer.Ordinal),
                StringComparer.Ordinal);
    }

    /// <summary>Options of Beacon and connections that each service gets in the AppHost when it is published.</summary>
    private static Dictionary<string, List<string>> AppHostEnvironment()
    {
        var text = Repository.Read("Beacon.AppHost/WithAspire/AppHost.cs");
        var common = text[text.IndexOf("IResourceBuilder<ProjectResource> AsService", StringComparison.Ordinal)..];
        common = common[..common.IndexOf("return isRun", StringComparison.Ordinal)];
        return ServiceStatement().Matches(text).ToDictionary(
            match => match.Groups["name"].Value,
            match => Told(match.Value).Concat(Told(common))
                // Signaling is the authority of the others.
                .Concat(match.Groups["name"].Value == "signaling" ? [] : Told(text[text.IndexOf("foreach (var service", StringComparison.Ordinal)..text.IndexOf("builder.Build().Run();\n\n//", StringComparison.Ordinal)]))
                .Order(StringComparer.Ordinal).ToList(),
            StringComparer.Ordinal);

        static IEnumerable<string> Told(string statement) => Variable().Matches(statement).Select(match => match.Groups["name"].Value)
            .Concat(Reference().Matches(statement).Select(match => match.Groups["name"].Value).Where(name => name is "redis" or "bus").Select(name => $"ConnectionStrings__{name}"));
    }

    /// <summary>Whom each service references in the AppHost, whose calls stand one service a statement.</summary>
    private static Dictionary<string, List<string>> AppHostReferences()
    {
        var text = Repository.Read("Beacon.AppHost/WithAspire/AppHost.cs");
        return ServiceStatement().Matches(text).ToDictionary(
            match => match.Groups["name"].Value,
            match => Reference().Matches(match.Value).Select(reference => reference.Groups["name"].Value).Where(Services.Contains).Order(StringComparer.Ordinal).ToList(),
            StringComparer.Ordinal);
    }

    private static List<string> Referenced(IEnumerable<string> variables) =>
        [.. variables.Where(name => name.StartsWith("services__", StringComparison.Ordinal)).Select(name => name.Split("__")[1]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    [GeneratedRegex(@"\bBeacon__[A-Za-z]+(?:__[A-Za-z]+)*")]
    private static partial Regex OptionName();

    [GeneratedRegex(@"AddProject<Projects\.Beacon_\w+>\(""(?<name>ledger|raids|signaling|topology)""\)[^;]*;")]
    private static partial Regex ServiceStatement();

    private static bool IsOurs(string variable) => variable.StartsWith("Beacon__", StringComparison.Ordinal) || variable.StartsWith("ConnectionStrings__", StringComparison.Ordinal);

    [GeneratedRegex(@"^(?<name>(?:Beacon|ConnectionStrings)__\w+)=", RegexOptions.Multiline)]
    private static partial Regex SharedVariable();

    [GeneratedRegex(@"WithEnvironment\(""(?<name>Beacon__\w+)""")]
    private static partial Regex Variable();

    [GeneratedRegex(@"AddServiceClient<[\w.]+>\(HostedServices\.(?<name>\w+)\)")]
    private static partial Regex Client();

    [GeneratedRegex(@"WithReference\((?<name>\w+)\)")]
    private static partial Regex Reference();
}
