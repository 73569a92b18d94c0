using k8s;
using k8s.Models;
using YamlDotNet.RepresentationModel;

namespace Beacon.Deploy.Tests;

/// <summary>Rendered manifests as the types of the Kubernetes API; a field that the API does not know is an error.</summary>
internal sealed class Manifests
{
    private Manifests(IReadOnlyList<object> all) => All = all;

    public IReadOnlyList<object> All { get; }

    public IEnumerable<(string Name, V1PodTemplateSpec Template, V1LabelSelector Selector)> Workloads =>
        Of<V1Deployment>().Select(deployment => (deployment.Metadata.Name, deployment.Spec.Template, deployment.Spec.Selector))
            .Concat(Of<V1StatefulSet>().Select(set => (set.Metadata.Name, set.Spec.Template, set.Spec.Selector)));

    /// <param name="yaml">What <c>helm template</c> printed.</param>
    public static Manifests Parse(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        var all = new List<object>();
        foreach (var document in stream.Documents.Where(document => document.RootNode is YamlMappingNode))
        {
            var kind = ((YamlMappingNode)document.RootNode).Children["kind"].ToString();
            // Not of the Kubernetes API itself: there is no type to compare it with.
            if (kind == "ServiceMonitor")
                continue;
            var text = new StringWriter();
            new YamlStream(document).Save(text, assignAnchors: false);
            all.AddRange(KubernetesYaml.LoadAllFromString(text.ToString().Replace("\n...", "", StringComparison.Ordinal), typeMap: null, strict: true));
        }

        return new Manifests(all);
    }

    public IEnumerable<T> Of<T>() => All.OfType<T>();
}
