using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Beacon.Architecture.Tests;

/// <summary>What an operator can set.</summary>
public sealed partial class OptionsTests
{
    [Fact]
    public void Each_service_has_one_public_options_class_with_its_section() => Offences.None(Repository.Services
        .Where(service => Assemblies.Load(service).GetType($"Beacon.{service}.{service}Options") is not { IsPublic: true } type
            || type.GetField("Section")?.GetRawConstantValue() is not string section
            || section != $"Beacon:{service}"));

    [Fact]
    public void Every_option_says_what_it_is() => Offences.None(
        from assembly in Assemblies.All()
        let docs = Docs(assembly)
        from type in assembly.GetExportedTypes()
        where type.Name.EndsWith("Options", StringComparison.Ordinal)
        from member in type.GetProperties().Where(property => property.DeclaringType == type).Select(property => $"P:{type.FullName}.{property.Name}").Append($"T:{type.FullName}")
        where !docs.Contains(member)
        select member);

    [Fact]
    public void A_number_says_its_unit_in_its_name_or_counts_something() => Offences.None(
        from assembly in Assemblies.All()
        from type in assembly.GetExportedTypes()
        where type.Name.EndsWith("Options", StringComparison.Ordinal)
        from property in type.GetProperties()
        where property.PropertyType == typeof(TimeSpan) || (Numeric(property.PropertyType) && Unitless().IsMatch(property.Name))
        select $"{type.Name}.{property.Name}");

    private static bool Numeric(Type type) => type == typeof(int) || type == typeof(long) || type == typeof(double) || type == typeof(decimal);

    private static HashSet<string> Docs(Assembly assembly) =>
    [
        .. XDocument.Load(Path.Combine(AppContext.BaseDirectory, $"{assembly.GetName().Name}.xml")).Descendants("member")
            .Where(member => member.Element("summary") is { } summary && summary.Value.Trim().Length > 0)
            .Select(member => (string)member.Attribute("name")!),
    ];

    [GeneratedRegex("(Timeout|Interval|Delay|Period|Lifetime|Latency|Bitrate|Uplink|Upload|Expiry|Duration|Memory)$")]
    private static partial Regex Unitless();
}
