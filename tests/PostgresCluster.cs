using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Beacon.Testing;

/// <summary>
/// A real PostgreSQL of the tests' own: made in a temporary folder, reached by a socket there, ended with the tests. The one
/// that a package may have started is not touched. PostgreSQL refuses to run as root; then it runs as the package's user.
/// </summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("beacon-pg-").FullName;
    private string _programs = "";
    private int _databases;

    /// <summary>Why there is none; null when there is one.</summary>
    public string? Missing { get; private set; }

    private string Data => Path.Combine(_folder, "data");

    public async ValueTask InitializeAsync()
    {
        if (Programs() is not { } programs)
        {
            Missing = "PostgreSQL is not installed (Debian: postgresql): initdb is neither on the PATH nor under /usr/lib/postgresql.";
            return;
        }

        _programs = programs;
        if (Environment.UserName == "root")
            await RunAsync("chown", "postgres", _folder);
        await AsUserAsync("initdb", "-D", Data, "-U", "beacon", "-A", "trust", "-E", "UTF8", "--locale=C", "-N");
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Missing is null)
            await StopAsync("fast");
        Directory.Delete(_folder, recursive: true);
    }

    public Task StartAsync() =>
        AsUserAsync("pg_ctl", "-D", Data, "-l", Path.Combine(_folder, "log"), "-w", "-o", $"-c listen_addresses='' -c unix_socket_directories='{_folder}'", "start");

    /// <param name="mode">"immediate" is what a loss of power does.</param>
    public Task StopAsync(string mode) => AsUserAsync("pg_ctl", "-D", Data, "-m", mode, "-w", "stop");

    /// <summary>A new, empty database: its connection string.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"ledger{++_databases}");
        await ExecuteAsync(To("postgres"), $"CREATE DATABASE {name}");
        return To(name);
    }

    public static async Task<long> ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
#pragma warning disable CA2100 // Texts of the tests.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return Convert.ToInt64(await command.ExecuteScalarAsync() ?? 0L, CultureInfo.InvariantCulture);
    }

    private string To(string database) => $"Host={_folder};Username=beacon;Password=not-asked-for;Database={database}";

    private static string? Programs()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).ToList();
        if (Directory.Exists("/usr/lib/postgresql"))
            folders.AddRange(Directory.GetDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin")));
        return folders.Find(folder => File.Exists(Path.Combine(folder, "initdb")));
    }

    private Task AsUserAsync(string program, params string[] arguments)
    {
        var path = Path.Combine(_programs, program);
        return Environment.UserName == "root" ? RunAsync("runuser", ["-u", "postgres", "--", path, .. arguments]) : RunAsync(path, arguments);
    }

    private async Task RunAsync(string program, params string[] arguments)
    {
        // Its output goes nowhere: a server that is started inherits it, and would keep a pipe open for ever.
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" > \"$0\" 2>&1 < /dev/null", Path.Combine(Path.GetTempPath(), $"{Path.GetFileName(_folder)}.log"), program, .. arguments])
        {
            WorkingDirectory = _folder,
        })!;
        await process.WaitForExitAsync();
        var log = Path.Combine(Path.GetTempPath(), $"{Path.GetFileName(_folder)}.log");
        var said = await File.ReadAllTextAsync(log);
        File.Delete(log);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {said}");
    }
}
