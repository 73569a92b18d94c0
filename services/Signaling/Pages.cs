using Microsoft.Extensions.FileProviders;

namespace Beacon.Signaling;

/// <summary>The web client: static files beside the assembly, and its index for every page address.</summary>
internal static class Pages
{
    private const string NotBuilt =
        """
        <!doctype html><meta charset="utf-8"><title>Beacon</title>
        <p>Beacon is running. Its web pages were not built, because Node was not there: install Node 20 and build again.</p>
        <p>The API is at <a href="/scalar">/scalar</a>.</p>
        """;

    public static void MapPages(this WebApplication app)
    {
        var root = Path.Combine(AppContext.BaseDirectory, "wwwroot");
        if (!File.Exists(Path.Combine(root, "index.html")))
        {
            Log.NoPages(app.Logger);
            app.MapGet("/", () => Results.Content(NotBuilt, "text/html")).AllowAnonymous().ExcludeFromDescription();
            return;
        }

        var files = new PhysicalFileProvider(root);
        app.UseStaticFiles(new StaticFileOptions { FileProvider = files });
        app.MapGet("/sdk", () => Results.LocalRedirect("/sdk/index.html")).AllowAnonymous().ExcludeFromDescription();
        foreach (var page in new[] { "/", "/live", "/watch/{streamId}", "/channel/{channel}", "/sponsor", "/operator", "/operator/{streamId}" })
        {
            app.MapGet(page, () => Results.File(Path.Combine(root, "index.html"), "text/html"))
                .AllowAnonymous().ExcludeFromDescription();
        }
    }
}
