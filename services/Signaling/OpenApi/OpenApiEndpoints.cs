using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace Beacon.Signaling.OpenApi;

/// <summary>Where the document is read: by programs at <c>/openapi/v1.json</c>, by people at <c>/scalar</c>. Neither needs a token.</summary>
public static class OpenApiEndpoints
{
    /// <summary>The path of the document.</summary>
    public const string DocumentPath = "/openapi/v1.json";

    public static void MapOpenApiDocument(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        // The contracts do not change while the process runs.
        var text = new Lazy<Task<string>>(() => ContractsDocument.Build().SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1));
        app.MapGet(DocumentPath, async () => Results.Text(await text.Value, "application/json"))
            .ExcludeFromDescription()
            .AllowAnonymous();
        app.MapScalarApiReference("/scalar", scalar => scalar.WithTitle("Beacon").WithOpenApiRoutePattern(DocumentPath)).AllowAnonymous();
    }
}
