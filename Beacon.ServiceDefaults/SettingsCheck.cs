using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Beacon.ServiceDefaults;

/// <summary>
/// Whether the settings under <c>Beacon</c> are all known and all good. Asked before anything reads one of them, so that a start
/// that fails names everything that is wrong, and a misspelt limit is not a limit that is silently the default.
/// </summary>
public static class SettingsCheck
{
    private const string Root = "Beacon";

    /// <param name="builder">The host's, before anything was added to it.</param>
    /// <param name="hosted">The options classes of the services that this process hosts.</param>
    /// <exception cref="WrongSettingsException">Something is unknown or out of range.</exception>
    public static void CheckSettings(this IHostApplicationBuilder builder, params Type[] hosted)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(hosted);
        var sections = hosted.Concat(OfEveryProcess()).ToDictionary(NameOf, StringComparer.OrdinalIgnoreCase);
        var root = builder.Configuration.GetSection(Root);
        var wrong = root.GetChildren().SelectMany(child => UnknownSection(child, sections))
            .Concat(sections.SelectMany(section => InSection(root.GetSection(section.Key), section.Value)))
            .ToList();
        if (wrong.Count > 0)
            throw new WrongSettingsException(wrong);
    }

    private static IEnumerable<Type> OfEveryProcess() => typeof(SettingsCheck).Assembly.GetExportedTypes()
        .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal) && type.GetField("Section") is not null);

    /// <summary>The part of its section's name after <c>Beacon:</c>.</summary>
    private static string NameOf(Type options) =>
        ((string)options.GetField("Section", BindingFlags.Public | BindingFlags.Static)!.GetRawConstantValue()!)[(Root.Length + 1)..];

    private static IEnumerable<string> UnknownSection(IConfigurationSection child, Dictionary<string, Type> sections)
    {
        // One environment may serve all four services: what belongs to another one, that one checks.
        if (IsDataDirectory(child) || sections.ContainsKey(child.Key) || HostedServices.All.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            return [];
        return [Unknown(child, sections.Keys.Append(DataDirectory.Key[(Root.Length + 1)..]))];
    }

    private static bool IsDataDirectory(IConfigurationSection child) =>
        child.Path.Equals(DataDirectory.Key, StringComparison.OrdinalIgnoreCase) && !child.GetChildren().Any();

    private static IEnumerable<string> InSection(IConfigurationSection section, Type type)
    {
        if (section.Value is { Length: > 0 })
            yield return $"{section.Path} is a group of settings and has no value of its own.";
        var properties = type.GetProperties().ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);
        var options = Activator.CreateInstance(type)!;
        foreach (var child in section.GetChildren())
        {
            var problem = properties.TryGetValue(child.Key, out var property)
                ? Read(child, property, options)
                : Unknown(child, properties.Keys);
            if (problem is not null)
                yield return problem;
        }

        foreach (var property in properties.Values)
        {
            foreach (var rule in property.GetCustomAttributes<ValidationAttribute>().Where(rule => !rule.IsValid(property.GetValue(options))))
                yield return Broken(rule, $"{section.Path}:{property.Name}", property.GetValue(options));
        }

        foreach (var result in (options as IValidatableObject)?.Validate(new ValidationContext(options)) ?? [])
            yield return result.ErrorMessage!;
    }

    /// <summary>Sets the property; the problem if that cannot be done.</summary>
    private static string? Read(IConfigurationSection given, PropertyInfo property, object options)
    {
        var children = given.GetChildren().ToList();
        if (property.GetValue(options) is IList list)
        {
            if (given.Value is { Length: > 0 })
                return $"{given.Path} is a list: its first entry is {given.Path}:0.";
            foreach (var entry in children)
            {
                if (!int.TryParse(entry.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                    return $"{entry.Path} is not known: {given.Path} is a list, with the entries {given.Path}:0, :1 and so on.";
                list.Add(entry.Value ?? "");
            }

            return null;
        }

        if (children.Count > 0)
            return $"{children[0].Path} is not known: {given.Path} has no parts.";
        try
        {
            property.SetValue(options, TypeDescriptor.GetConverter(property.PropertyType).ConvertFromInvariantString(given.Value ?? ""));
            return null;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or NotSupportedException or OverflowException)
        {
            return $"{given.Path} is '{given.Value}', and must be {KindOf(property.PropertyType)}.";
        }
    }

    private static string KindOf(Type type) =>
        type == typeof(bool) ? "true or false"
        : type == typeof(double) ? "a number"
        : type.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(type))}"
        : "a whole number of 32 bits";

    /// <summary>Without the value, unless it is a number: texts may be secrets.</summary>
    private static string Broken(ValidationAttribute rule, string key, object? value) => rule switch
    {
        RangeAttribute range => string.Create(CultureInfo.InvariantCulture, $"{key} is {value}, and must be from {range.Minimum} to {range.Maximum}."),
        RegularExpressionAttribute expression => $"{key} must match {expression.Pattern}.",
        RequiredAttribute => $"{key} must not be empty.",
        _ => rule.FormatErrorMessage(key),
    };

    private static string Unknown(IConfigurationSection child, IEnumerable<string> known)
    {
        var parent = child.Path[..^(child.Key.Length + 1)];
        var (near, distance) = known.Select(name => (name, Distance: Distance(name.ToUpperInvariant(), child.Key.ToUpperInvariant()))).MinBy(candidate => candidate.Distance);
        return distance <= Math.Max(2, child.Key.Length / 4)
            ? $"{child.Path} is not known. Is it {parent}:{near}?"
            : $"{child.Path} is not known.";
    }

    /// <summary>How many letters must be added, dropped or replaced to make one word of the other.</summary>
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var replaced = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}

/// <summary>Settings that are unknown or out of range, all of them.</summary>
public sealed class WrongSettingsException(IReadOnlyList<string> wrong) : InvalidOperationException(
    $"{wrong.Count} {(wrong.Count == 1 ? "setting is" : "settings are")} wrong, and nothing was started (docs/configuration.md has them all):\n  {string.Join("\n  ", wrong)}")
{
    /// <summary>One sentence a setting.</summary>
    public IReadOnlyList<string> Wrong { get; } = wrong;
}
