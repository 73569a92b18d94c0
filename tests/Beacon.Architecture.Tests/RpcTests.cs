using System.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;

namespace Beacon.Architecture.Tests;

/// <summary>Who may call what, read from the methods that implement RPCs.</summary>
public sealed class RpcTests
{
    private const string ServicePolicy = ServiceDefaults.Authentication.ServicePolicy;
    private static readonly HashSet<string> InternalServices = ["TopologyEdgeService", "LedgerAccountsService"];

    [Fact]
    public void Every_rpc_says_who_may_call_it() => Offences.None(Rpcs()
        .Where(rpc => Attributes(rpc.Method).Count == 0)
        .Select(rpc => rpc.Name));

    [Fact]
    public void Internal_rpcs_are_for_services_only() => Offences.None(Rpcs()
        .Where(rpc => InternalServices.Contains(rpc.Service) != Attributes(rpc.Method).OfType<AuthorizeAttribute>().Any(attribute => attribute.Policy == ServicePolicy))
        .Select(rpc => rpc.Name));

    [Fact]
    public void The_document_of_the_rest_surface_knows_which_rpcs_need_no_token()
    {
        Expected.Require();
        var document = Assemblies.Load("Signaling").GetType("Beacon.Signaling.OpenApi.ContractsDocument", throwOnError: true)!;
        var told = (IReadOnlySet<string>)document.GetProperty("AnonymousRpcs")!.GetValue(null)!;
        Assert.Equal(
            Rpcs().Where(rpc => Attributes(rpc.Method).OfType<AllowAnonymousAttribute>().Any()).Select(rpc => rpc.Name).Order(StringComparer.Ordinal),
            told.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_rules_have_something_to_read() => Assert.Contains("RaidsService.EndStream", Rpcs().Select(rpc => rpc.Name));

    /// <summary>The overrides of the generated service bases.</summary>
    private static IEnumerable<(string Service, string Name, MethodInfo Method)> Rpcs() =>
        from assembly in Assemblies.All()
        from type in assembly.GetTypes()
        let contract = type.BaseType?.DeclaringType
        where contract?.Namespace?.StartsWith("Beacon.Contracts.", StringComparison.Ordinal) == true && type.BaseType!.IsDefined(typeof(BindServiceMethodAttribute))
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        where method.GetBaseDefinition() != method
        select (contract.Name, $"{contract.Name}.{method.Name}", method);

    /// <summary>Those of the method, or of its class.</summary>
    private static List<Attribute> Attributes(MethodInfo method)
    {
        List<Attribute> own = [.. Authorization(method)];
        return own.Count > 0 ? own : [.. Authorization(method.DeclaringType!)];
    }

    private static IEnumerable<Attribute> Authorization(MemberInfo member) =>
        member.GetCustomAttributes(inherit: true).OfType<Attribute>().Where(attribute => attribute is AuthorizeAttribute or AllowAnonymousAttribute);
}
