using k8s.Models;

namespace Beacon.Deploy.Tests;

/// <summary>The Helm chart, rendered by Helm and read by the types of the Kubernetes API.</summary>
public sealed class ChartTests(Helm helm, RequiredFields required)
{
    private static readonly string[] Services = ["ledger", "raids", "signaling", "topology"];

    private static readonly string[] Everything =
        ["ingress.enabled=true", "ingress.tlsSecret=beacon-tls", "serviceMonitor.enabled=true", "otlpEndpoint=http://collector:4317", "image.registry=registry.example.org", "ledger.volume.storageClass=fast"];

    [Fact]
    public async Task The_chart_passes_lint_with_its_own_values_and_with_everything_on()
    {
        foreach (var values in new[] { [], Everything })
        {
            var output = await helm.RunAsync(["lint", "--strict", Repository.PathOf("deploy/helm/beacon"), .. values.SelectMany(value => new[] { "--set", value })]);
            Assert.True(output.Code == 0, output.Text + output.Error);
        }
    }

    [Fact]
    public async Task Every_manifest_has_only_fields_that_the_Kubernetes_API_knows()
    {
        var plain = Manifests.Parse(await helm.TemplateAsync());
        var everything = Manifests.Parse(await helm.TemplateAsync(Everything));

        Assert.Equal(Services, plain.Workloads.Select(workload => workload.Template.Metadata.Labels["app.kubernetes.io/component"]).Order(StringComparer.Ordinal));
        Assert.Single(everything.Of<V1Ingress>());
        Assert.Empty(plain.Of<V1Ingress>());
        Assert.Equal(plain.All.Count + 1, everything.All.Count);
    }

    [Fact]
    public async Task Every_manifest_has_the_fields_that_the_Kubernetes_API_requires()
    {
        Assert.Empty(await required.MissingInAsync(Manifests.Parse(await helm.TemplateAsync(Everything)).All));

        // A check that finds nothing must be one that could.
        var incomplete = new V1Deployment { ApiVersion = "apps/v1", Kind = "Deployment", Metadata = new V1ObjectMeta { Name = "half" }, Spec = new V1DeploymentSpec { Selector = new V1LabelSelector() } };
        Assert.Contains("template", Assert.Single(await required.MissingInAsync([incomplete])), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("signaling.replicas=0", "/signaling/replicas")]
    [InlineData("signaling.replica=3", "/signaling")]
    [InlineData("ledger.replicas=2", "/ledger")]
    [InlineData("ledger.volume.size=lots", "/ledger/volume/size")]
    [InlineData("secrets.connections=", "/secrets/connections")]
    [InlineData("auth.authority=example.org", "/auth/authority")]
    [InlineData("signaling.drainSeconds=301", "/signaling/drainSeconds")]
    [InlineData("raids.drainSeconds=16", "raids.terminationGraceSeconds must be 30 more than drainSeconds")]
    [InlineData("options.Becon__Topology__WindowMs=1", "/options")]
    public async Task A_wrong_value_is_refused_and_named(string value, string place)
    {
        var output = await helm.RunAsync("template", "beacon", Repository.PathOf("deploy/helm/beacon"), "--set", value);

        Assert.NotEqual(0, output.Code);
        Assert.Contains(place, output.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_pod_runs_without_privileges_on_a_read_only_file_system_and_within_limits()
    {
        foreach (var (name, template, _) in Manifests.Parse(await helm.TemplateAsync()).Workloads)
        {
            Assert.True(template.Spec.SecurityContext.RunAsNonRoot, name);
            Assert.Equal("RuntimeDefault", template.Spec.SecurityContext.SeccompProfile.Type);
            var container = Assert.Single(template.Spec.Containers);
            Assert.True(container.SecurityContext.ReadOnlyRootFilesystem, name);
            Assert.False(container.SecurityContext.AllowPrivilegeEscalation, name);
            Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
            Assert.True(container.Resources.Limits.ContainsKey("memory"), name);
            Assert.True(container.Resources.Requests.ContainsKey("cpu"), name);
            Assert.Equal("/alive", container.LivenessProbe.HttpGet.Path);
            Assert.Equal("/alive", container.StartupProbe.HttpGet.Path);
            Assert.Equal("/health", container.ReadinessProbe.HttpGet.Path);
            Assert.Equal(name == "beacon-topology", template.Spec.AutomountServiceAccountToken);
            // What is written must be written to a volume.
            Assert.Equal(["/data", "/tmp"], container.VolumeMounts.Where(mount => mount.ReadOnlyProperty != true).Select(mount => mount.MountPath).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Every_selector_finds_its_pods_and_every_port_is_there()
    {
        var manifests = Manifests.Parse(await helm.TemplateAsync(Everything));
        var pods = manifests.Workloads.ToDictionary(workload => workload.Name, workload => workload.Template, StringComparer.Ordinal);

        foreach (var (_, template, selector) in manifests.Workloads)
            Assert.True(Selects(selector.MatchLabels, template));
        foreach (var service in manifests.Of<V1Service>())
        {
            Assert.True(Selects(service.Spec.Selector, pods[service.Metadata.Name]));
            var ports = pods[service.Metadata.Name].Spec.Containers[0].Ports.ToDictionary(port => port.Name, port => port.ContainerPort, StringComparer.Ordinal);
            Assert.All(service.Spec.Ports, port => Assert.Equal(port.Port, ports[port.TargetPort.Value]));
        }

        foreach (var budget in manifests.Of<V1PodDisruptionBudget>())
            Assert.True(Selects(budget.Spec.Selector.MatchLabels, pods[budget.Metadata.Name]));
        foreach (var policy in manifests.Of<V1NetworkPolicy>())
            Assert.True(Selects(policy.Spec.PodSelector.MatchLabels, pods[policy.Metadata.Name]));
        foreach (var scaler in manifests.Of<V2HorizontalPodAutoscaler>())
            Assert.Contains(manifests.Of<V1Deployment>(), deployment => deployment.Metadata.Name == scaler.Spec.ScaleTargetRef.Name && deployment.Spec.Replicas is null);
        Assert.Equal("beacon-signaling", manifests.Of<V1Ingress>().Single().Spec.Rules[0].Http.Paths[0].Backend.Service.Name);
    }

    [Fact]
    public async Task Whoever_calls_a_service_is_let_through_its_network_policy()
    {
        var manifests = Manifests.Parse(await helm.TemplateAsync());
        var policies = manifests.Of<V1NetworkPolicy>().ToDictionary(policy => policy.Metadata.Name, StringComparer.Ordinal);

        foreach (var (_, template, _) in manifests.Workloads)
        {
            foreach (var called in Called(template))
            {
                var allowed = policies[called].Spec.Ingress.Where(rule => rule.Ports.Any(port => port.Port.Value == "grpc"));
                Assert.Contains(allowed, rule => rule.FromProperty is null || rule.FromProperty.Any(peer => Selects(peer.PodSelector.MatchLabels, template)));
            }
        }
    }

    [Fact]
    public async Task There_is_one_Ledger_on_a_volume_of_its_own()
    {
        var ledger = Manifests.Parse(await helm.TemplateAsync()).Of<V1StatefulSet>().Single();

        Assert.Equal(1, ledger.Spec.Replicas);
        var claim = Assert.Single(ledger.Spec.VolumeClaimTemplates);
        Assert.Equal(["ReadWriteOncePod"], claim.Spec.AccessModes);
        Assert.Equal("20Gi", claim.Spec.Resources.Requests["storage"].ToString());
    }

    [Fact]
    public async Task No_secret_is_in_the_chart()
    {
        var manifests = Manifests.Parse(await helm.TemplateAsync(Everything));

        Assert.Empty(manifests.Of<V1Secret>());
        foreach (var (_, template, _) in manifests.Workloads)
        {
            Assert.All(
                template.Spec.Containers[0].Env.Where(variable => variable.Name is "ConnectionStrings__redis" or "ConnectionStrings__bus" or "Beacon__Auth__ServiceKey" or "Beacon__Signaling__OperatorKey"),
                variable => Assert.NotNull(variable.ValueFrom.SecretKeyRef));
        }
    }

    private static bool Selects(IDictionary<string, string> labels, V1PodTemplateSpec template) =>
        labels.Count > 0 && labels.All(label => template.Metadata.Labels.TryGetValue(label.Key, out var value) && value == label.Value);

    private static IEnumerable<string> Called(V1PodTemplateSpec template) => template.Spec.Containers[0].Env
        .Where(variable => variable.Value?.StartsWith("http://beacon-", StringComparison.Ordinal) == true)
        .Select(variable => new Uri(variable.Value).Host)
        .Distinct(StringComparer.Ordinal);
}
