using System.Security.Claims;
using Grpc.Core;

namespace Beacon.ServiceDefaults;

/// <summary>What an access token may allow.</summary>
public static class Scopes
{
    public const string Viewer = "viewer";
    public const string Broadcaster = "broadcaster";
    public const string Sponsor = "sponsor";
    public const string Operator = "operator";
    public const string Service = "service";
}

/// <summary>The account behind a call. It comes from the access token and from nowhere else.</summary>
public sealed record Caller(string AccountId, string Name, string Channel, IReadOnlyList<string> Scopes)
{
    public bool Has(string scope) => Scopes.Contains(scope, StringComparer.Ordinal);

    /// <summary>The caller of a gRPC or REST call that passed <c>[Authorize]</c>.</summary>
    public static Caller Of(ServerCallContext context) => Of(context.GetHttpContext().User);

    public static Caller Of(ClaimsPrincipal user)
    {
        ArgumentNullException.ThrowIfNull(user);
        var account = user.FindFirst("sub")?.Value ?? throw CommonErrors.InvalidToken.Exception("The access token names no account (sub).");
        return new Caller(
            account,
            user.FindFirst("name")?.Value ?? account,
            user.FindFirst(Authentication.ChannelClaimType)?.Value ?? account,
            [.. user.FindAll("scope").SelectMany(claim => claim.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))]);
    }
}
