namespace Beacon.Signaling.OpenApi;
internal static class OpenApiEndpoints { public static void MapOpenApiDocument(this WebApplication app) { } }
