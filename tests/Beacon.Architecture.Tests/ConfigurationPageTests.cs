using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace Beacon.Architecture.Tests;

/// <summary>docs/configuration.md says what the options classes say.</summary>
public sealed class ConfigurationPageTests
{
    private const string Page = "docs/configuration.md";

    private sealed record Row(string Type, string Default, string Range);

    [Fact]
    public void The_page_has_a_row_for_each_option_and_no_other() =>
        Assert.Equal(Options().Select(option => option.Key).Order(StringComparer.Ordinal), Rows().Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void Defaults_are_those_of_the_classes()
    {
        var rows = Rows();
        Offences.None(
            from option in Options()
            let written = rows[option.Key].Default
            let real = option.Default.Length == 0 ? "empty" : $"`{option.Default}`"
            where written != real
            select $"{option.Key}: the page says {written}, the class {real}");
    }

    [Fact]
    public void Ranges_are_those_that_are_enforced()
    {
        var rows = Rows();
        Offences.None(
            from option in Options()
            let range = option.Property.GetCustomAttribute<RangeAttribute>()
            where range is not null
            let real = string.Create(CultureInfo.InvariantCulture, $"{range.Minimum} to {range.Maximum}")
            where rows[option.Key].Range != real
            select $"{option.Key}: the page says {rows[option.Key].Range}, the class {real}");
    }

    [Fact]
    public void Numbers_have_a_range() => Offences.None(
        from option in Options()
        where option.Property.PropertyType == typeof(int) || option.Property.PropertyType == typeof(long) || option.Property.PropertyType == typeof(double)
        where option.Property.GetCustomAttribute<RangeAttribute>() is null
        select option.Key);

    [Fact]
    public void Types_are_those_of_the_classes()
    {
        var rows = Rows();
        Offences.None(
            from option in Options()
            let type = option.Property.PropertyType
            let real = type.IsEnum ? "enum" : type == typeof(string) ? "string" : type == typeof(bool) ? "bool" : type == typeof(double) ? "double" : type == typeof(int) ? "int" : "list of string"
            where rows[option.Key].Type != real
            select $"{option.Key}: the page says {rows[option.Key].Type}, the class {real}");
    }

    private static Dictionary<string, Row> Rows()
    {
        Expected.Require(Page);
        var text = Repository.Read(Page);
        var options = text[text.IndexOf("## Options", StringComparison.Ordinal)..text.IndexOf("## What else", StringComparison.Ordinal)];
        return options.Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .ToDictionary(cells => cells[1].Trim('`'), cells => new Row(cells[2], cells[3], cells[4]), StringComparer.Ordinal);
    }

    private static IEnumerable<(string Key, string Default, PropertyInfo Property)> Options() =>
        from assembly in Assemblies.All()
        from type in assembly.GetExportedTypes()
        where type.Name.EndsWith("Options", StringComparison.Ordinal)
        let section = (string)type.GetField("Section")!.GetRawConstantValue()!
        let fresh = Activator.CreateInstance(type)
        from property in type.GetProperties()
        let value = property.GetValue(fresh)
        select ($"{section}:{property.Name}", Text(value), property);

    private static string Text(object? value) => value switch
    {
        bool flag => flag ? "true" : "false",
        string text => text,
        ICollection { Count: 0 } or null => "",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
