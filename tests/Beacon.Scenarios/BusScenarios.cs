using System.Text.Json;
using Beacon.Contracts.Events;
using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;
using Beacon.Testing;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Beacon.Scenarios;

/// <summary>What the bus promises, with a real broker: the queues of the running services, and a host of the test's own beside them.</summary>
[Collection(nameof(DistributedFixture))]
public sealed class BusScenarios(DistributedFixture beacon) : IAsyncLifetime
{
    private const string Endpoint = "test-notes";
    private readonly Notes _notes = new();
    private IConnection _connection = null!;

    private Uri Broker => new($"amqp://{beacon.Stores!.Login}@{beacon.Stores.BrokerAddress}");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(beacon.Missing is not null, beacon.Missing ?? "");
        _connection = await new ConnectionFactory { Uri = Broker, AutomaticRecoveryEnabled = false }.CreateConnectionAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
    }

    [Fact]
    public async Task Every_queue_of_the_services_is_a_durable_quorum_queue_and_was_named_by_hand()
    {
        foreach (var endpoint in BusEndpoints.All)
            await IsQuorumAsync(endpoint);
        foreach (var endpoint in EdgeIds().SelectMany<string, string>(edgeId => [EdgeEndpoint.Name(edgeId), EdgeEndpoint.RaidsName(edgeId)]))
            await IsQuorumAsync(endpoint, new() { ["x-expires"] = 300_000 });
    }

    [Fact]
    public async Task What_fails_again_and_again_waits_in_a_quorum_queue_and_the_command_line_brings_it_back()
    {
        await using var host = await StartAsync();
        _notes.IsFailing = true;
        await host.Bus.Publish(new Note("hello"), TestContext.Current.CancellationToken);
        await ReadyAsync(BusEndpoints.Errors(Endpoint), 1);
        // The first time and three more.
        Assert.Equal(4, _notes.Tries);
        await IsQuorumAsync(BusEndpoints.Errors(Endpoint));

        _notes.IsFailing = false;
        var (code, output) = await CommandAsync("bus", "replay", Endpoint, "--json");
        Assert.Equal((0, 1), (code, JsonDocument.Parse(output).RootElement.GetProperty("messages").GetInt32()));
        Assert.Equal("hello", await _notes.NextAsync());
        await ReadyAsync(BusEndpoints.Errors(Endpoint), 0);

        (code, output) = await CommandAsync("bus", "errors", "--json");
        Assert.Equal(0, code);
        Assert.Equal(BusEndpoints.All, JsonDocument.Parse(output).RootElement.GetProperty("endpoints").EnumerateArray().Select(queue => queue.GetProperty("endpoint").GetString()!));
        (code, output) = await CommandAsync("bus", "replay", "no-such-endpoint", "--json");
        Assert.Equal((1, "unknown_queue"), (code, JsonDocument.Parse(output).RootElement.GetProperty("error").GetProperty("reason").GetString()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task A_process_holds_as_many_messages_of_a_queue_as_the_option_says_and_not_one_more(int prefetch)
    {
        await using var host = await StartAsync(prefetch);
        _notes.Hold = new TaskCompletionSource();
        var bus = host.Bus;
        for (var number = 0; number < prefetch + 3; number++)
            await bus.Publish(new Note($"{number}"), TestContext.Current.CancellationToken);

        await ReadyAsync(Endpoint, 3);
        await _notes.TriedAsync(prefetch);
        _notes.Hold.SetResult();
        for (var number = 0; number < prefetch + 3; number++)
            await _notes.NextAsync();
    }

    [Fact]
    public async Task Nothing_counts_as_published_before_the_broker_has_confirmed_it()
    {
        await using var host = await StartAsync();
        var bus = host.Bus;
        await bus.Publish(new Note("before"), TestContext.Current.CancellationToken);
        Assert.Equal("before", await _notes.NextAsync());

        await beacon.Stores!.Broker.PauseAsync();
        var published = bus.Publish(new Note("meanwhile"), TestContext.Current.CancellationToken);
        try
        {
            await Assert.ThrowsAsync<TimeoutException>(() => published.WaitAsync(TimeSpan.FromMilliseconds(500)));
        }
        finally
        {
            await beacon.Stores.Broker.ContinueAsync();
        }

        await published;
        Assert.Equal("meanwhile", await _notes.NextAsync());
    }

    /// <summary>While a broker starts, MassTransit asks for it less and less often, up to every half minute.</summary>
    private static readonly TimeSpan Reconnected = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task What_is_paid_while_the_broker_is_away_is_told_once_when_it_is_back()
    {
        var (rest, server) = (beacon.Rest, beacon.Server);
        var tipper = await beacon.RichGuestAsync("Tipper", 1_000_000);
        await using var root = await SyntheticPeer.BroadcastAsync(server, await rest.GuestAsync("Host"));
        var first = await rest.PostAsync("/api/tip", new { streamId = root.StreamId, amountMicrocredits = 1, transferId = Guid.NewGuid() }, tipper);
        Assert.Equal(200, first.Status);
        await root.Socket.WaitAsync(ServerFrame.FrameOneofCase.TipReceived);

        await beacon.Stores!.Broker.KillAsync();
        var meanwhile = await rest.PostAsync("/api/tip", new { streamId = root.StreamId, amountMicrocredits = 2, transferId = Guid.NewGuid() }, tipper);
        await beacon.Stores.Broker.StartAsync();
        var afterwards = await rest.PostAsync("/api/tip", new { streamId = root.StreamId, amountMicrocredits = 3, transferId = Guid.NewGuid() }, tipper);

        Assert.Equal((200, 200), (meanwhile.Status, afterwards.Status));
        var told = new List<long>();
        while (!told.Contains(3))
            told.Add((await root.Socket.WaitAsync(frame => frame.TipReceived is not null, "a tip", Reconnected)).TipReceived.AmountMicrocredits);
        Assert.Equal([2, 3], told);
    }

    /// <summary>A process with the bus as all have it, and a consumer that does as it is told.</summary>
    private async Task<NoteHost> StartAsync(int prefetch = 64)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = [$"--ConnectionStrings:bus={Broker}", $"--Beacon:Bus:PrefetchMessages={prefetch}"] });
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(_notes);
        builder.AddBus(bus => bus.AddConsumer<NoteConsumer>().Endpoint(endpoint => endpoint.Name = Endpoint));
        var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        await host.Services.GetRequiredService<IBusControl>().WaitForHealthStatus(BusHealthStatus.Healthy, TestContext.Current.CancellationToken);
        return new NoteHost(host, DeleteAsync);
    }

    private async Task<(int Code, string Output)> CommandAsync(params string[] arguments)
    {
        await using var command = new DotnetProcess(
            Repository.AssemblyOf("Beacon.Cli", "beacon"), Path.GetTempPath(), new Dictionary<string, string>(StringComparer.Ordinal) { ["ConnectionStrings__bus"] = Broker.ToString() }, arguments);
        return (await command.WaitForExitAsync(TimeSpan.FromSeconds(60)), command.Output);
    }

    /// <summary>To declare a queue that is there fails unless it is all the same.</summary>
    private async Task IsQuorumAsync(string queue, Dictionary<string, object?>? also = null)
    {
        await using var channel = await _connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken);
        await channel.QueueDeclarePassiveAsync(queue, TestContext.Current.CancellationToken);
        await channel.QueueDeclareAsync(
            queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?>(also ?? [], StringComparer.Ordinal) { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = ServiceDefaults.Bus.Deliveries }, cancellationToken: TestContext.Current.CancellationToken);
    }

    /// <summary>Waits until so many messages of a queue are in nobody's hands.</summary>
    private async Task ReadyAsync(string queue, uint messages)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var ready = "no such queue";
        for (var i = 0; i < 400; i++)
        {
            await using var channel = await _connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken);
            try
            {
                var count = (await channel.QueueDeclarePassiveAsync(queue, TestContext.Current.CancellationToken)).MessageCount;
                if (count == messages)
                    return;
                ready = $"{count} messages";
            }
            catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == 404)
            {
                // Not yet.
            }

            await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        Assert.Fail($"After 20 s {queue} has not {messages} messages, but: {ready}.");
    }

    private async Task DeleteAsync()
    {
        await using var channel = await _connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken);
        await channel.QueueDeleteAsync(Endpoint, cancellationToken: TestContext.Current.CancellationToken);
        await channel.QueueDeleteAsync(BusEndpoints.Errors(Endpoint), cancellationToken: TestContext.Current.CancellationToken);
    }

    /// <summary>Replicas draw their ids, and say them at their start.</summary>
    private List<string> EdgeIds()
    {
        // The last one: it may have been started again.
        var ids = beacon.Server.Services.Where(service => service.Key.StartsWith("signaling", StringComparison.Ordinal))
            .Select(service => service.Value.Output.Split('\n').Last(line => line.Contains("Edge ", StringComparison.Ordinal)))
            .Select(line => line[(line.IndexOf("Edge ", StringComparison.Ordinal) + 5)..].Split(' ')[0])
            .ToList();
        Assert.NotEmpty(ids);
        return ids;
    }
}

/// <param name="delete">Takes its queues from the broker.</param>
internal sealed class NoteHost(IHost host, Func<Task> delete) : IAsyncDisposable
{
    public IBus Bus { get; } = host.Services.GetRequiredService<IBus>();

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync(CancellationToken.None);
        host.Dispose();
        await delete();
    }
}

public sealed record Note(string Text);

/// <summary>What the test wants of its consumer, and what that has got.</summary>
public sealed class Notes
{
    private readonly System.Threading.Channels.Channel<string> _taken = System.Threading.Channels.Channel.CreateUnbounded<string>();
    private readonly System.Threading.Channels.Channel<bool> _begun = System.Threading.Channels.Channel.CreateUnbounded<bool>();
    private int _tries;

    public bool IsFailing { get; set; }

    public TaskCompletionSource? Hold { get; set; }

    public int Tries => _tries;

    public Task<string> NextAsync() => _taken.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(FrameSocket.Patience);

    public async Task TriedAsync(int times)
    {
        for (var time = 0; time < times; time++)
            await _begun.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(FrameSocket.Patience);
    }

    internal async Task TakeAsync(Note note)
    {
        Interlocked.Increment(ref _tries);
        await _begun.Writer.WriteAsync(true);
        if (IsFailing)
            throw new InvalidOperationException("as the test wants it");
        if (Hold is { } hold)
            await hold.Task;
        await _taken.Writer.WriteAsync(note.Text);
    }
}

internal sealed class NoteConsumer(Notes notes) : IConsumer<Note>
{
    public Task Consume(ConsumeContext<Note> context) => notes.TakeAsync(context.Message);
}
