namespace Beacon.Deploy.Tests;

/// <summary>
/// A container engine with compose: the one that `docker` reaches, or one that a script beside the checkout brings up, with
/// local images, on machines that reach no registry.
/// </summary>
public sealed class ContainerEngine
{
    /// <summary>Beside the checkout, where the machines of CI have it.</summary>
    private static readonly string Script = Path.GetFullPath(Repository.PathOf("../shared/ci/container-engine.sh"));

    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly string[] _compose;

    private ContainerEngine(IReadOnlyDictionary<string, string> environment, string[] compose) => (_environment, _compose) = (environment, compose);

    /// <summary>The engine, or the reason why there is none.</summary>
    public static async Task<(ContainerEngine? Engine, string Missing)> FindAsync()
    {
        IReadOnlyDictionary<string, string> environment = new Dictionary<string, string>(StringComparer.Ordinal);
        if (await ProgramRun.OfAsync("docker", ["version"]) is not { Code: 0 })
        {
            if (!File.Exists(Script))
                return (null, "No container engine: docker does not answer, and there is no ../shared/ci/container-engine.sh.");
            // It exports how to reach the engine.
            var up = await ProgramRun.OfAsync("bash", ["-c", $". '{Script}' up >&2 && env"]);
            if (up is not { Code: 0 })
                return (null, $"No container engine: {Script} failed: {up?.Error.Trim()}");
            environment = up.Text.Split('\n').Where(line => line.StartsWith("DOCKER_", StringComparison.Ordinal))
                .Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        }

        if (await ProgramRun.OfAsync("docker", ["compose", "version"]) is { Code: 0 })
            return (new ContainerEngine(environment, ["docker", "compose"]), "");
        return await ProgramRun.OfAsync("docker-compose", ["version"]) is { Code: 0 }
            ? (new ContainerEngine(environment, ["docker-compose"]), "")
            : (null, "Neither `docker compose` nor docker-compose is installed.");
    }

    /// <summary>Runs the client; it must succeed.</summary>
    public Task<string> DockerAsync(params string[] arguments) => ProgramRun.MustAsync("docker", arguments, null, _environment);

    /// <summary>Runs compose in a project's folder; it must succeed.</summary>
    public Task<string> ComposeAsync(string folder, IReadOnlyDictionary<string, string> settings, IEnumerable<string> arguments) =>
        ProgramRun.MustAsync(_compose[0], [.. _compose[1..], .. arguments], folder, new Dictionary<string, string>([.. _environment, .. settings], StringComparer.Ordinal));

    public Task<bool> HasImageAsync(string image) => SucceedsAsync("image", "inspect", image);

    public Task<bool> PullsAsync(string image) => SucceedsAsync("pull", "--quiet", image);

    private async Task<bool> SucceedsAsync(params string[] arguments) => await ProgramRun.OfAsync("docker", arguments, null, _environment) is { Code: 0 };
}
