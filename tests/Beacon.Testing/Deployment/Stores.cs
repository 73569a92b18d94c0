using System.Net;
using Docker.DotNet;
using Docker.DotNet.Models;
using DotNet.Testcontainers.Builders;
using Microsoft.Extensions.Logging.Abstractions;
using Testcontainers.RabbitMq;
using Testcontainers.Redis;

namespace Beacon.Testing;

/// <summary>The Redis and the RabbitMQ of a cluster: containers where an engine answers, else the programs of this machine.</summary>
public sealed class Stores : IAsyncDisposable
{
    private const string User = "beacon";
    private const string Password = "a password of the tests";
    private const ushort RedisPort = 6_379;
    private const ushort BrokerPort = 5_672;

    private Stores(string kind, IPart redis, int redisPort, IPart broker, int brokerPort, string login)
    {
        (Kind, Redis, Broker, Login) = (kind, redis, broker, login);
        (RedisAddress, BrokerAddress) = (new IPEndPoint(IPAddress.Loopback, redisPort), new IPEndPoint(IPAddress.Loopback, brokerPort));
    }

    /// <summary>What they run in, for the report of a test.</summary>
    public string Kind { get; }

    public IPart Redis { get; }

    public IPart Broker { get; }

    public IPEndPoint RedisAddress { get; }

    public IPEndPoint BrokerAddress { get; }

    /// <summary>User and password of the broker, as a URL has them.</summary>
    public string Login { get; }

    /// <summary>Both of them, started; or the reason why this machine has none.</summary>
    public static async Task<(Stores? Stores, string Missing)> StartAsync()
    {
        string reason;
        try
        {
            return (await StartAsync(InContainers()), "");
        }
        // No engine, or one that has not the images and reaches no registry.
        catch (Exception exception) when (exception is DockerUnavailableException or DockerApiException)
        {
            reason = exception.Message.Split('\n')[0];
        }

        return RedisServer.Program is null || RabbitServer.Program is null
            ? (null, $"There is no container engine ({reason}), and redis-server and rabbitmq-server are not both installed.")
            : (await StartAsync(OfThisMachine()), "");
    }

    public async ValueTask DisposeAsync()
    {
        await Redis.DisposeAsync();
        await Broker.DisposeAsync();
    }

    private static async Task<Stores> StartAsync(Stores stores)
    {
        try
        {
            await Task.WhenAll(stores.Redis.StartAsync(), stores.Broker.StartAsync());
            return stores;
        }
        catch
        {
            await stores.DisposeAsync();
            throw;
        }
    }

    private static Stores InContainers()
    {
        var ports = Ports.Free(2);
        var redis = new RedisBuilder(Image("REDIS_IMAGE", "redis:7-alpine"))
            .WithCommand("redis-server", "--appendonly", "yes", "--appendfsync", "everysec", "--protected-mode", "no")
            .WithPortBinding(ports[0], RedisPort)
            .WithCreateParameterModifier(OnLoopback)
            // It would write to standard output, which is the report's.
            .WithLogger(NullLogger.Instance)
            .Build();
        var broker = new RabbitMqBuilder(Image("RABBITMQ_IMAGE", "rabbitmq:4-management-alpine"))
            .WithUsername(User)
            .WithPassword(Password)
            // It keeps its data under its node name, which holds the host name.
            .WithHostname("rabbitmq")
            .WithPortBinding(ports[1], BrokerPort)
            .WithCreateParameterModifier(OnLoopback)
            // It would write to standard output, which is the report's.
            .WithLogger(NullLogger.Instance)
            .Build();
        return new Stores("containers", new StoreContainer(redis), ports[0], new StoreContainer(broker), ports[1], $"{User}:{Uri.EscapeDataString(Password)}");
    }

    private static Stores OfThisMachine()
    {
        var (redis, broker) = (new RedisServer(Ports.Free(), keepsData: true), new RabbitServer());
        return new Stores("programs of this machine", redis, redis.Port, broker, broker.Port, "guest:guest");
    }

    private static string Image(string variable, string standard) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } image ? image : standard;

    /// <summary>Ports that nobody asked for go, and none is seen from outside.</summary>
    private static void OnLoopback(CreateContainerParameters container)
    {
        foreach (var bindings in container.HostConfig!.PortBindings!.Values)
        {
            foreach (var binding in bindings)
                binding.HostIP = "127.0.0.1";
        }
    }
}
