using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;

namespace Beacon.Deploy.Tests;

/// <summary>
/// docker-compose.yml as an operator uses it: secrets made, images built, everything up and healthy; at the end taken down with its
/// volumes. In a folder and under a project name of its own, on ports that the engine chooses.
/// </summary>
public sealed class ComposeProject : IAsyncLifetime
{
    private static readonly string[] BaseImages = ["redis:7-alpine", "rabbitmq:4-management-alpine", "mcr.microsoft.com/dotnet/aspnet:10.0"];

    /// <summary>What is compiled here already is put into images as it is; the stages of the Dockerfile that compile need images of the SDK and of Node.</summary>
    private static readonly string[] Built = ["topology", "ledger", "raids", "signaling"];

    private readonly string _project = $"beacontest{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
    private readonly string _folder = Directory.CreateTempSubdirectory("beacon-compose-").FullName;
    private readonly Dictionary<string, string> _settings = new(StringComparer.Ordinal)
    {
        // The engine chooses.
        ["BEACON_HTTP_PORT"] = "0",
        ["BEACON_GRPC_PORT"] = "0",
        ["BEACON_RABBITMQ_PORT"] = "0",
    };

    private ContainerEngine? _engine;

    /// <summary>Those of compose.yml that need no image from elsewhere.</summary>
    public static IReadOnlyList<string> Services { get; } = ["redis", "rabbitmq", .. Built];

    /// <summary>Why there is no stack here; null when there is.</summary>
    public string? Missing { get; private set; }

    public Uri Http { get; private set; } = new("http://127.0.0.1");

    public string OperatorKey { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        (_engine, var missing) = await ContainerEngine.FindAsync();
        Missing = _engine is null ? missing : await MissingImageAsync();
        if (Missing is not null)
            return;
        await StageAsync();
        await ComposeAsync(["build", .. Built]);
        // The order of the file: each service after what it depends on is healthy.
        try
        {
            await ComposeAsync(["up", "-d", "--no-build", .. Services]);
        }
        catch (InvalidOperationException failure)
        {
            var logs = await ComposeAsync(["logs", "--no-color", "--tail", "30", .. Built]);
            await ComposeAsync(["down", "--volumes"]);
            throw new InvalidOperationException(logs, failure);
        }

        await HealthyAsync(Services);
        await FindAddressAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_engine is not null && Missing is null)
        {
            await ComposeAsync(["down", "--volumes", "--remove-orphans", "--timeout", "20"]);
            var images = await _engine.DockerAsync("image", "ls", "--quiet", "--filter", $"reference={_project}*");
            foreach (var image in images.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal))
                await _engine.DockerAsync("image", "rm", "--force", image);
        }

        Directory.Delete(_folder, recursive: true);
    }

    public Task<string> ComposeAsync(IEnumerable<string> arguments) =>
        _engine!.ComposeAsync(_folder, _settings, ["-p", _project, "-f", "docker-compose.yml", "-f", "published.yml", .. arguments]);

    /// <summary>What the engine knows of a service's container.</summary>
    public async Task<JsonElement> InspectAsync(string service)
    {
        var id = (await ComposeAsync(["ps", "-q", service])).Trim();
        return JsonDocument.Parse(await _engine!.DockerAsync("inspect", id)).RootElement[0];
    }

    /// <summary>Starts containers as the engine does after a reboot of its machine, without a look at what depends on what.</summary>
    public async Task StartAsync(IEnumerable<string> services)
    {
        foreach (var service in services)
            await _engine!.DockerAsync("start", (await ComposeAsync(["ps", "-q", service])).Trim());
    }

    /// <summary>Waits until the health checks of these services say healthy; a container that ends or is started again on the way is a failure.</summary>
    public async Task HealthyAsync(IEnumerable<string> services)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        var began = TimeProvider.System.GetTimestamp();
        foreach (var service in services)
        {
            for (var state = await StateAsync(service); state != "running healthy"; state = await StateAsync(service))
            {
                if (TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromMinutes(3) || state.StartsWith("exited", StringComparison.Ordinal))
                    throw new InvalidOperationException($"{service} is {state}:\n{await ComposeAsync(["logs", "--no-color", "--tail", "60", service])}");
                await tick.WaitForNextTickAsync();
            }
        }
    }

    /// <summary>As "running healthy".</summary>
    public async Task<string> StateAsync(string service)
    {
        var state = (await InspectAsync(service)).GetProperty("State");
        return $"{state.GetProperty("Status").GetString()} {(state.TryGetProperty("Health", out var health) ? health.GetProperty("Status").GetString() : "")}".TrimEnd();
    }

    /// <summary>Reads where Signaling is published now: the engine chooses anew with each start.</summary>
    public async Task FindAddressAsync()
    {
        var port = (await ComposeAsync(["port", "signaling", "8080"])).Trim().Split(':')[^1];
        Http = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
    }

    /// <summary>The files that compose reads, as in a fresh checkout, with secrets of their own and what <c>deploy/publish.sh</c> makes.</summary>
    private async Task StageAsync()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "deploy"));
        File.Copy(Repository.PathOf("docker-compose.yml"), Path.Combine(_folder, "docker-compose.yml"));
        foreach (var file in new[] { "Dockerfile", "health.sh", "make-env.sh" })
            File.Copy(Repository.PathOf($"deploy/{file}"), Path.Combine(_folder, "deploy", file));
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "published.yml"),
            $"services:\n{string.Concat(Built.Select(service => $"  {service}:\n    build: {{ target: published }}\n"))}");
        await ProgramRun.MustAsync("bash", [Repository.PathOf("deploy/publish.sh"), Path.Combine(_folder, "deploy/publish"), "--no-build"], null, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["CONFIGURATION"] = typeof(ComposeProject).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration,
        });
        await ProgramRun.MustAsync("bash", [Path.Combine(_folder, "deploy/make-env.sh")]);
        OperatorKey = (await File.ReadAllLinesAsync(Path.Combine(_folder, "deploy/.env")))
            .Single(line => line.StartsWith("Beacon__Signaling__OperatorKey=", StringComparison.Ordinal)).Split('=', 2)[1];
    }

    private async Task<string?> MissingImageAsync()
    {
        foreach (var image in BaseImages)
        {
            if (!await _engine!.HasImageAsync(image) && !await _engine.PullsAsync(image))
                return $"The image {image} is not here and cannot be pulled.";
        }

        return null;
    }
}
