using System.Diagnostics;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using StackExchange.Redis;

namespace Beacon.Cli.Checks;

/// <summary>What the services keep their state and their messages in.</summary>
internal static class StoresCheck
{
    private const int PatienceMs = 5_000;

    public static async Task<Finding> RedisAsync(string connectionString)
    {
        try
        {
            var options = ConfigurationOptions.Parse(connectionString);
            (options.ConnectTimeout, options.AsyncTimeout, options.AbortOnConnectFail, options.AllowAdmin) = (PatienceMs, PatienceMs, true, true);
            await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
            var server = redis.GetServers()[0];
            var startedAt = Stopwatch.GetTimestamp();
            await redis.GetDatabase().PingAsync();
            var took = Stopwatch.GetElapsedTime(startedAt);
            var persistence = (await server.InfoAsync("persistence")).SelectMany(section => section).ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
            var text = $"Redis {server.Version} answers in {CommandRun.Number(took.TotalMilliseconds)} ms.";
            return persistence.GetValueOrDefault("aof_enabled") == "1"
                ? new Finding("redis", Verdict.Right, text)
                : new Finding("redis", Verdict.Doubtful, $"{text} It keeps no append-only file: a restart of it loses the live trees (appendonly yes).");
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ArgumentException)
        {
            return new Finding("redis", Verdict.Wrong, $"{exception.Message} Is the address right, and the password?");
        }
    }

    public static async Task<Finding> BrokerAsync(string address, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("amqp" or "amqps" or "rabbitmq" or "rabbitmqs"))
            return new Finding("broker", Verdict.Wrong, "The address is no amqp://user:password@host:port/vhost.");
        try
        {
            // The name that MassTransit uses for the same thing.
            var amqp = new UriBuilder(uri) { Scheme = uri.Scheme.EndsWith('s') ? "amqps" : "amqp" }.Uri;
            var factory = new ConnectionFactory { Uri = amqp, RequestedConnectionTimeout = TimeSpan.FromMilliseconds(PatienceMs), AutomaticRecoveryEnabled = false };
            await using var connection = await factory.CreateConnectionAsync("beacon doctor", cancellation);
            var version = connection.ServerProperties?.TryGetValue("version", out var value) == true && value is byte[] text ? System.Text.Encoding.ASCII.GetString(text) : "";
            return new Finding("broker", Verdict.Right, $"RabbitMQ {version} at {uri.Host} lets us in.");
        }
        catch (BrokerUnreachableException exception)
        {
            return new Finding("broker", Verdict.Wrong, $"{exception.InnerException?.Message ?? exception.Message} Is the address right, user and password, the virtual host?");
        }
    }
}
