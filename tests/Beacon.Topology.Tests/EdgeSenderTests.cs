using System.Threading.Channels;
using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.Topology.Streams;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Beacon.Topology.Tests;

public sealed class EdgeSenderTests : IAsyncLifetime
{
    private readonly Held _held = new();
    private readonly ServiceProvider _services;
    private readonly EdgeSender _sender;

    public EdgeSenderTests()
    {
        _services = new ServiceCollection()
            .AddMassTransit(bus =>
            {
                bus.DisableUsageTelemetry();
                bus.UsingInMemory();
            })
            .AddMetrics()
            .AddLogging()
            .AddSingleton<TopologyMetrics>()
            .BuildServiceProvider();
        var bus = _services.GetRequiredService<IBus>();
        bus.ConnectSendObserver(_held);
        _sender = new EdgeSender(bus, Options.Create(new TopologyOptions()), TimeProvider.System, _services.GetRequiredService<TopologyMetrics>(), NullLogger<EdgeSender>.Instance);
    }

    public async ValueTask InitializeAsync() => await _services.GetRequiredService<IBusControl>().StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await _services.DisposeAsync();

    [Fact]
    public async Task What_streams_have_for_an_edge_while_it_is_told_goes_in_one_message()
    {
        var first = TellOfAsync("first", viewers: 1);
        await _held.NextAsync();
        var others = Task.WhenAll(TellOfAsync("second", viewers: 1), TellOfAsync("third", viewers: 2));
        _held.Release();
        await Task.WhenAll(first, others);

        Assert.Equal(
            ["first", "second third"],
            _held.Messages.Select(message => string.Join(' ', message.Select(stream => stream.Key).Order())).Order());
        Assert.Equal(["b", "c"], Assert.Single(_held.Messages.SelectMany(message => message), stream => stream.Key == "third")
            .Where(directive => directive.Kind == DirectiveKind.ParentAssigned).Select(directive => directive.PeerId));
    }

    [Fact]
    public void Who_has_a_new_parent_is_told_first_and_each_peer_in_order()
    {
        var stream = Started("stream");
        Join(stream, "a");
        Join(stream, "b");
        stream.TakeBatch(whole: true);
        stream.Leave(["a"], "edge", nowMs: 3);
        Join(stream, "c");
        Join(stream, "d");
        var news = stream.TakeBatch(whole: false).News;
        var changes = news.Changes;

        var told = Decode(Assert.Single(EdgeSender.ByEdge("stream", news)).Parts);
        var moved = told.Where(directive => directive.Kind == DirectiveKind.ParentAssigned).Select(directive => directive.PeerId).ToHashSet();
        Assert.Equal(["c", "d"], moved.Order());
        Assert.Contains(told, directive => !moved.Contains(directive.PeerId));
        Assert.Equal(told.OrderByDescending(directive => moved.Contains(directive.PeerId)), told);
        Assert.All(told.GroupBy(directive => directive.PeerId), peer => Assert.Equal(peer.Select(directive => directive.Version).Order(), peer.Select(directive => directive.Version)));
        Assert.Equal(changes.Count(change => change.PeerId != "a"), told.Count);
    }

    [Fact]
    public async Task More_than_a_message_holds_goes_in_several_in_order()
    {
        _held.Release();
        await TellOfAsync("stream", viewers: 1_000);

        var parts = _held.Messages.Select(message => Assert.Single(message).ToList()).ToList();
        Assert.All(parts, part => Assert.InRange(part.Count, 1, 512));
        Assert.Equal(
            Enumerable.Range(0, 1_000).Select(viewer => $"v{viewer}"),
            parts.SelectMany(part => part).Where(directive => directive is { Kind: DirectiveKind.ParentAssigned, Reason: "joined" }).Select(directive => directive.PeerId));
    }

    private static List<PeerDirective> Decode(IEnumerable<EncodedDirectives> parts) =>
        [.. parts.SelectMany(part => PeerDirectives.Parser.ParseFrom(part.Bytes).Directives)];

    /// <summary>Tells what the joins of so many viewers brought about.</summary>
    private Task TellOfAsync(string streamId, int viewers)
    {
        var stream = Started(streamId);
        for (var viewer = 0; viewer < viewers; viewer++)
            Join(stream, viewers > 2 ? $"v{viewer}" : $"{(char)('b' + viewer)}");
        var batch = stream.TakeBatch(whole: true);
        return _sender.SendAsync(stream, batch.News);
    }

    private static StreamState Started(string streamId)
    {
        var stream = new StreamState(streamId, new StreamMeta("channel", "A title", "account", 1_000, MaxChildren: 4, Stripes: 1, StartedAtMs: 1), new TopologyOptions(), nowMs: 1);
        stream.StartRoot(new StartCommand(Member("root"), "channel", "A title", 1_000, 100, MaxChildren: 4, Resume: false), nowMs: 1);
        return stream;
    }

    private static void Join(StreamState stream, string id) => stream.Join(new JoinCommand(Member(id), UplinkMbps: 10, LatencyMs: 20), nowMs: 2);

    private static Member Member(string id) => new(id, $"account-{id}", "edge", "");

    /// <summary>Holds messages back until they are released.</summary>
    private sealed class Held : ISendObserver
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Channel<object> _arrived = Channel.CreateBounded<object>(16);
        private readonly List<IReadOnlyList<IGrouping<string, PeerDirective>>> _messages = [];

        public IReadOnlyList<IReadOnlyList<IGrouping<string, PeerDirective>>> Messages
        {
            get
            {
                lock (_messages)
                    return [.. _messages];
            }
        }

        public async Task NextAsync() =>
            await _arrived.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        public void Release() => _released.SetResult();

        public Task PreSend<T>(SendContext<T> context) where T : class
        {
            _arrived.Writer.TryWrite(context.Message);
            return _released.Task;
        }

        public Task PostSend<T>(SendContext<T> context) where T : class
        {
            lock (_messages)
                _messages.Add([.. Outgoing.ByStream((PeersReassigned)(object)context.Message)]);
            return Task.CompletedTask;
        }

        public Task SendFault<T>(SendContext<T> context, Exception exception) where T : class => Task.CompletedTask;
    }
}
