using System.Diagnostics;
using System.Globalization;

namespace Beacon.Testing;

/// <summary>A RabbitMQ of its own on a free port, from the machine's own package.</summary>
public sealed class RabbitServer : IPart
{
    private readonly string _directory = Directory.CreateTempSubdirectory("beacon-rabbit-").FullName;
    private readonly int[] _ports = Ports.Free(3);
    private readonly Dictionary<string, string> _environment;
    private ChildProcess? _program;

    public RabbitServer()
    {
        var (port, nodes, names) = (Text(_ports[0]), Text(_ports[1]), Text(_ports[2]));
        File.WriteAllText(Path.Combine(_directory, "rabbitmq.conf"), $"listeners.tcp.1 = 127.0.0.1:{port}\nlog.console = true\nlog.file = false\ndisk_free_limit.absolute = 50MB\n");
        File.WriteAllText(Path.Combine(_directory, "enabled_plugins"), "[].");
        File.WriteAllText(Path.Combine(_directory, "env.conf"), "");
        _environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HOME"] = _directory,
            ["RABBITMQ_CONF_ENV_FILE"] = Path.Combine(_directory, "env.conf"),
            ["RABBITMQ_CONFIG_FILE"] = Path.Combine(_directory, "rabbitmq.conf"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(_directory, "enabled_plugins"),
            ["RABBITMQ_MNESIA_BASE"] = _directory,
            ["RABBITMQ_LOG_BASE"] = _directory,
            ["RABBITMQ_PID_FILE"] = Path.Combine(_directory, "rabbit.pid"),
            ["RABBITMQ_NODENAME"] = $"beacon{port}@localhost",
            ["RABBITMQ_NODE_PORT"] = port,
            ["RABBITMQ_NODE_IP_ADDRESS"] = "127.0.0.1",
            ["RABBITMQ_DIST_PORT"] = nodes,
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}",
            ["ERL_EPMD_PORT"] = names,
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            // Otherwise its script stays between us and the broker, and signals would meet the script.
            ["RUNNING_UNDER_SYSTEMD"] = "true",
        };

        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Null where it is not installed. The script of that name in the path insists on being run by root.</summary>
    public static string? Program { get; } = File.Exists("/usr/lib/rabbitmq/bin/rabbitmq-server") ? "/usr/lib/rabbitmq/bin/rabbitmq-server" : null;

    public int Port => _ports[0];

    public async Task StartAsync()
    {
        _program = new ChildProcess(Program!, ["-noinput"], _directory, _environment);
        await _program.WaitForOutputAsync("Server startup complete", TimeSpan.FromSeconds(120));
    }

    public Task PauseAsync() => _program!.PauseAsync();

    public Task ContinueAsync() => _program!.ContinueAsync();

    public Task KillAsync() => _program!.KillAsync();

    public async ValueTask DisposeAsync()
    {
        if (_program is not null)
        {
            await _program.DisposeAsync();
            // The name server of its nodes, which it has started for itself and left behind.
            var stop = new ProcessStartInfo("epmd", ["-port", _ports[2].ToString(CultureInfo.InvariantCulture), "-kill"]) { RedirectStandardOutput = true, UseShellExecute = false };
            using var epmd = Process.Start(stop)!;
            await epmd.WaitForExitAsync();
        }

        Directory.Delete(_directory, recursive: true);
    }
}
