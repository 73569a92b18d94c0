using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Beacon.Contracts.Events;

namespace Beacon.Contracts.Tests;

/// <summary>What travels on the bus.</summary>
public sealed class EventTests
{
    public static TheoryData<string> Names => [.. Records().Select(type => type.Name)];

    [Fact]
    public void These_facts_and_their_parts_travel_on_the_bus() => Assert.Equal(
        [
            "BroadcasterAway", "ChallengeIssued", "CreditsEarned", "PeersReassigned", "RaidAnnounced", "RaidCancelled",
            "RaidDeclined", "RaidLaunched", "RaidPrepared", "RelayWorkVerified", "SquadChanged",
            "StreamAudienceChanged", "StreamEnded", "StreamStarted", "TipPosted", "VerifiedRelay",
        ],
        Records().Select(type => type.Name).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Names))]
    public void An_event_is_a_sealed_record_of_this_namespace_that_nobody_can_change(string name)
    {
        var type = Record(name);
        Assert.Equal("Beacon.Contracts.Events", type.Namespace);
        Assert.True(type.IsSealed, "sealed");
        Assert.NotNull(type.GetMethod("<Clone>$"));
        Assert.All(type.GetProperties(BindingFlags.Public | BindingFlags.Instance), property => Assert.True(
            property.SetMethod is null || property.SetMethod.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)),
            $"{property.Name} can be set"));
        Assert.All(type.GetProperties(BindingFlags.Public | BindingFlags.Instance), property => Assert.False(
            property.PropertyType.IsGenericType && property.PropertyType.GetGenericTypeDefinition() == typeof(List<>),
            $"{property.Name} is a list that can be changed"));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void An_event_survives_the_way_through_json(string name)
    {
        var made = Make(Record(name), depth: 0)!;
        var text = JsonSerializer.Serialize(made, made.GetType(), JsonSerializerOptions.Web);
        var read = JsonSerializer.Deserialize(text, made.GetType(), JsonSerializerOptions.Web);
        Assert.Equivalent(made, read, strict: true);
        Assert.Equal(text, JsonSerializer.Serialize(read, made.GetType(), JsonSerializerOptions.Web));
    }

    private static IEnumerable<Type> Records() => typeof(StreamStarted).Assembly.GetExportedTypes()
        .Where(type => type.Namespace == "Beacon.Contracts.Events" && type is { IsEnum: false, IsAbstract: false });

    private static Type Record(string name) => Records().Single(type => type.Name == name);

    /// <summary>A value that is not the default, so that a field that gets lost shows.</summary>
    private static object? Make(Type type, int depth)
    {
        if (type == typeof(string))
            return "text é";
        if (type == typeof(DateTimeOffset))
            return new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);
        if (type == typeof(byte[]))
            return new byte[] { 1, 2, 3 };
        if (type == typeof(bool))
            return true;
        if (type.IsEnum)
            return Enum.GetValues(type).GetValue(1);
        if (type.IsPrimitive)
            return Convert.ChangeType(7, type, System.Globalization.CultureInfo.InvariantCulture);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
        {
            var item = type.GetGenericArguments()[0];
            var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(item))!;
            list.Add(Make(item, depth + 1));
            list.Add(Make(item, depth + 1));
            return list;
        }

        Assert.True(type.Namespace == "Beacon.Contracts.Events" && depth < 5, $"{type} is not a plain part of an event");
        var constructor = type.GetConstructors().Single();
        return constructor.Invoke([.. constructor.GetParameters().Select(parameter => Make(Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType, depth + 1))]);
    }
}
