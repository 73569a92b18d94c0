namespace Beacon.Signaling.Identity;

/// <summary>OIDC discovery of the guest issuer, from which services that run on their own learn its key.</summary>
internal static class Discovery
{
    private static readonly string[] Algorithms = ["ES256"];
    private static readonly string[] ResponseTypes = ["token"];
    private static readonly string[] SubjectTypes = ["public"];

    public static void MapDiscovery(this WebApplication app)
    {
        app.MapGet("/.well-known/openid-configuration", (HttpContext context) => Results.Json(new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["issuer"] = IssuerKey.Issuer,
            ["jwks_uri"] = $"{context.Request.Scheme}://{context.Request.Host}/.well-known/jwks.json",
            ["token_endpoint"] = $"{context.Request.Scheme}://{context.Request.Host}/api/auth/guest",
            ["id_token_signing_alg_values_supported"] = Algorithms,
            ["response_types_supported"] = ResponseTypes,
            ["subject_types_supported"] = SubjectTypes,
        })).AllowAnonymous().ExcludeFromDescription();
        app.MapGet("/.well-known/jwks.json", (IssuerKey key) => Results.Text($$"""{"keys":[{{key.PublicJwk}}]}""", "application/json"))
            .AllowAnonymous().ExcludeFromDescription();
    }
}
