using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Beacon.Architecture.Tests;

/// <summary>
/// The folders that decide. A decision is a function of what it is given, so that it can be tested by the ten thousand and replayed:
/// no clock, no randomness of its own, no input or output, no framework.
/// </summary>
public sealed class PureFolderTests
{
    private static readonly (string Service, string Folder)[] PureFolders = [("Topology", "Mesh"), ("Ledger", "Books"), ("Raids", "Raid")];

    private static readonly string[] ForbiddenNamespaces =
    [
        "MassTransit", "StackExchange", "Microsoft.EntityFrameworkCore", "Microsoft.Data", "Microsoft.AspNetCore", "Microsoft.Extensions", "Google",
        "Grpc", "Orleans", "System.Net", "System.Data", "System.Threading.Tasks", "Beacon.Contracts", "Beacon.ServiceDefaults",
    ];

    private static readonly string[] ForbiddenTypes =
    [
        "System.TimeProvider", "System.Random", "System.Security.Cryptography.RandomNumberGenerator", "System.Console",
        "System.IO.File", "System.IO.Directory", "System.IO.FileStream", "System.IO.FileInfo", "System.IO.DirectoryInfo", "System.IO.StreamReader",
        "System.IO.StreamWriter", "System.Diagnostics.Stopwatch", "System.Threading.Thread", "System.Threading.Timer",
    ];

    private static readonly string[] ForbiddenMembers =
    [
        "System.Guid::NewGuid", "System.Guid::CreateVersion7", "System.DateTime::get_UtcNow", "System.DateTime::get_Now", "System.DateTime::get_Today",
        "System.DateTimeOffset::get_UtcNow", "System.DateTimeOffset::get_Now", "System.Environment::get_TickCount", "System.Environment::get_TickCount64",
        "System.Environment::GetEnvironmentVariable", "System.Environment::get_MachineName", "System.Environment::get_ProcessorCount",
    ];

    public static TheoryData<string, string> Folders
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (service, folder) in PureFolders.Where(pure => Repository.Services.Contains(pure.Service)))
                data.Add(service, folder);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_pure_folder_knows_only_what_it_is_given(string service, string folder)
    {
        using var assembly = Assemblies.Read(service);
        var pure = Types(assembly.MainModule.Types).Where(type => IsIn(type, $"Beacon.{service}.{folder}")).ToList();
        Assert.NotEmpty(pure);
        Offences.None(pure.SelectMany(type => Uses(type).Where(used => IsForbidden(service, folder, used)).Select(used => $"{type.FullName} uses {used}")).Distinct());
    }

    [Fact]
    public void The_folders_and_their_namespaces_agree() => Offences.None(
        from pure in PureFolders
        from file in Repository.Files
        where file.StartsWith($"services/{pure.Service}/{pure.Folder}/", StringComparison.Ordinal) && file.EndsWith(".cs", StringComparison.Ordinal)
        where !Repository.Read(file).Contains($"namespace Beacon.{pure.Service}.{pure.Folder}", StringComparison.Ordinal)
        select file);

    /// <summary>A rule that cannot fail is none: the outer parts of a service break it many times.</summary>
    [Fact]
    public void The_rule_finds_a_clock_a_bus_and_a_store_where_there_are_some()
    {
        using var assembly = Assemblies.Read("Raids");
        var used = Types(assembly.MainModule.Types).SelectMany(Uses).Where(name => IsForbidden("Raids", "Raid", name)).ToHashSet(StringComparer.Ordinal);
        Assert.Contains("System.TimeProvider", used);
        Assert.Contains("System.Guid::CreateVersion7", used);
        Assert.Contains(used, name => name.StartsWith("MassTransit.", StringComparison.Ordinal));
        Assert.Contains(used, name => name.StartsWith("StackExchange.Redis.", StringComparison.Ordinal));
        Assert.Contains("Beacon.Raids.Streams.StreamDirectory", used);
    }

    private static bool IsForbidden(string service, string folder, string used) =>
        ForbiddenTypes.Contains(used)
        || ForbiddenMembers.Contains(used)
        || ForbiddenNamespaces.Any(space => used.StartsWith(space + ".", StringComparison.Ordinal))
        // Not the rest of its own service either.
        || (used.StartsWith("Beacon.", StringComparison.Ordinal) && !used.Contains("::", StringComparison.Ordinal) && !used.StartsWith($"Beacon.{service}.{folder}.", StringComparison.Ordinal));

    private static bool IsIn(TypeDefinition type, string space)
    {
        var outer = type;
        while (outer.DeclaringType is not null)
            outer = outer.DeclaringType;
        return outer.Namespace == space || outer.Namespace.StartsWith(space + ".", StringComparison.Ordinal);
    }

    private static IEnumerable<TypeDefinition> Types(IEnumerable<TypeDefinition> types) =>
        types.SelectMany(type => Types(type.NestedTypes).Append(type));

    /// <summary>Every type and member that a type names in its shape or its code. Attributes are left out: the compiler writes its own.</summary>
    private static IEnumerable<string> Uses(TypeDefinition type) =>
        Names(type.BaseType)
            .Concat(type.Interfaces.SelectMany(implemented => Names(implemented.InterfaceType)))
            .Concat(type.Fields.SelectMany(field => Names(field.FieldType)))
            .Concat(type.Methods.SelectMany(Uses));

    private static IEnumerable<string> Uses(MethodDefinition method)
    {
        var shape = Names(method.ReturnType).Concat(method.Parameters.SelectMany(parameter => Names(parameter.ParameterType)));
        return method.HasBody
            ? shape.Concat(method.Body.Variables.SelectMany(variable => Names(variable.VariableType))).Concat(method.Body.Instructions.SelectMany(Uses))
            : shape;
    }

    private static IEnumerable<string> Uses(Instruction instruction) => instruction.Operand switch
    {
        MethodReference method => Names(method.DeclaringType).Concat(Names(method.ReturnType)).Append($"{method.DeclaringType.FullName}::{method.Name}"),
        FieldReference field => Names(field.DeclaringType).Concat(Names(field.FieldType)),
        TypeReference type => Names(type),
        _ => [],
    };

    private static IEnumerable<string> Names(TypeReference? type) => type switch
    {
        null => [],
        GenericInstanceType generic => Names(generic.ElementType).Concat(generic.GenericArguments.SelectMany(Names)),
        GenericParameter => [],
        TypeSpecification wrapped => Names(wrapped.ElementType),
        { DeclaringType: { } outer } => Names(outer),
        _ => [type.FullName],
    };
}
