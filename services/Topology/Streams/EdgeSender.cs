using System.Runtime.InteropServices;
using Beacon.Contracts.Events;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Topology.Mesh;
using Google.Protobuf;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Beacon.Topology.Streams;

/// <summary>What an owner tells the outside.</summary>
internal interface IEdgeSender
{
    /// <summary>Tells peers, through their edges, what is new for them. What does not arrive is told again later.</summary>
    /// <param name="traces">The ranges of the changes that belong to traces, in order.</param>
    Task SendAsync(StreamState stream, IReadOnlyList<Change> changes, IReadOnlyList<TracedChanges> traces);

    Task ChallengeAsync(StreamState stream, long window, Challenge challenge);

    /// <summary>Publishes a fact; false when that failed.</summary>
    Task<bool> TryPublishAsync<T>(string streamId, T fact) where T : class;
}

/// <summary>
/// Tells edges what concerns their peers. What streams have for an edge while it is told something goes together in the next message:
/// directives are numbered, so that it is no matter which arrives first. What cannot be sent in time is dropped and counted; peers whose
/// reports show that they did not hear are told again.
/// </summary>
internal sealed class EdgeSender : IEdgeSender
{
    private const int DirectivesPerMessage = 512;

    /// <summary>An owner waits for its commits before it makes others, so this is more than most replicas have.</summary>
    private const int NewsTogether = 1_024;

    /// <summary>More than there are edges: those that are gone.</summary>
    private const int MaxEdges = 1_024;

    private readonly IBus _bus;
    private readonly TopologyOptions _options;
    private readonly TimeProvider _clock;
    private readonly TopologyMetrics _metrics;
    private readonly ILogger<EdgeSender> _log;
    private readonly GroupedCallsByKey<News, bool> _news;

    public EdgeSender(IBus bus, IOptions<TopologyOptions> options, TimeProvider clock, TopologyMetrics metrics, ILogger<EdgeSender> log)
    {
        _bus = bus;
        _options = options.Value;
        _clock = clock;
        _metrics = metrics;
        _log = log;
        _news = new(MaxEdges, NewsTogether, maxUnderWay: 1, SendNewsAsync);
    }

    public Task SendAsync(StreamState stream, IReadOnlyList<Change> changes, IReadOnlyList<TracedChanges> traces) =>
        Task.WhenAll(ByEdge(changes, traces).Select(edge => _news.AskAsync(edge.Key, new News(stream.StreamId, edge.Value))));

    /// <summary>What each edge is to be told: first those with a new parent, who may be without a picture, and each peer in order.</summary>
    internal static Dictionary<string, IReadOnlyList<PeerDirective>> ByEdge(IReadOnlyList<Change> changes, IReadOnlyList<TracedChanges> traces)
    {
        var moved = changes.Where(change => change.Kind == ChangeKind.ParentAssigned).Select(change => MemberState.Of(change.Peer)).ToHashSet();
        var byEdge = new Dictionary<string, (List<PeerDirective> Moved, List<PeerDirective> Others)>(StringComparer.Ordinal);
        var trace = 0;
        for (var at = 0; at < changes.Count; at++)
        {
            var change = changes[at];
            while (trace < traces.Count && traces[trace].To <= at)
                trace++;
            var member = MemberState.Of(change.Peer);
            // Who has left meanwhile is told nothing.
            if (member.IsGone)
                continue;
            if (!byEdge.TryGetValue(member.Member.EdgeId, out var edge))
                byEdge[member.Member.EdgeId] = edge = ([], []);
            (moved.Contains(member) ? edge.Moved : edge.Others).Add(Directive(member, change, trace < traces.Count && traces[trace].From <= at ? traces[trace].Traceparent : null));
        }

        return byEdge.ToDictionary(edge => edge.Key, IReadOnlyList<PeerDirective> (edge) => [.. edge.Value.Moved, .. edge.Value.Others], StringComparer.Ordinal);
    }

    public Task ChallengeAsync(StreamState stream, long window, Challenge challenge) =>
        Task.WhenAll(stream.EdgeIds.Select(edgeId =>
            SendAsync(edgeId, new ChallengeIssued(edgeId, stream.StreamId, window, challenge.Stripe, challenge.Sequence, challenge.Nonce))));

    public async Task<bool> TryPublishAsync<T>(string streamId, T fact) where T : class
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(_options.SendTimeoutMs), _clock);
        try
        {
            await _bus.Publish(fact, timeout.Token);
            return true;
        }
        catch (Exception exception)
        {
            Log.PublishFailed(_log, streamId, exception);
            return false;
        }
    }

    private async Task<IReadOnlyList<bool>> SendNewsAsync(string edgeId, IReadOnlyList<News> news)
    {
        var isSent = true;
        // What follows a message that did not arrive would not arrive either.
        foreach (var message in Messages(news).TakeWhile(_ => isSent))
            isSent = await SendAsync(edgeId, new PeersReassigned(edgeId, message.ToByteArray()));
        return [.. news.Select(_ => isSent)];
    }

    /// <summary>As few as may be, of a bounded size each.</summary>
    private static IEnumerable<PeerDirectives> Messages(IEnumerable<News> news)
    {
        var message = new PeerDirectives();
        foreach (var (streamId, all) in news)
        {
            foreach (var part in all.Chunk(DirectivesPerMessage))
            {
                if (message.Directives.Count + part.Length > DirectivesPerMessage)
                {
                    yield return message;
                    message = new PeerDirectives();
                }

                part[0].StreamId = streamId;
                message.Directives.AddRange(part);
            }
        }

        yield return message;
    }

    private async Task<bool> SendAsync<T>(string edgeId, T message) where T : class
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(_options.SendTimeoutMs), _clock);
        try
        {
            var endpoint = await _bus.GetSendEndpoint(EdgeEndpoint.Address(edgeId)).WaitAsync(timeout.Token);
            await endpoint.Send(message, timeout.Token);
            return true;
        }
        catch (Exception exception)
        {
            _metrics.SendFailures.Add(1);
            Log.SendFailed(_log, edgeId, exception);
            return false;
        }
    }

    private static PeerDirective Directive(MemberState member, Change change, string? traceparent) => new()
    {
        PeerId = change.PeerId,
        Version = StreamState.NumberOf(member, change),
        Kind = change.Kind switch
        {
            ChangeKind.ParentAssigned => DirectiveKind.ParentAssigned,
            ChangeKind.StandbyAssigned => DirectiveKind.StandbyAssigned,
            ChangeKind.ChildAssigned => DirectiveKind.ChildAssigned,
            ChangeKind.ChildRemoved => DirectiveKind.ChildRemoved,
            _ => DirectiveKind.Waiting,
        },
        Stripe = change.Stripe,
        Neighbour = change.Other is null ? null : MemberState.Of(change.Other).Neighbour,
        Depth = change.Depth,
        Reason = change.Reason,
        Standby = change.IsStandby,
        DrainMs = change.DrainMs,
        Position = change.Position,
        EstimateMs = (int)Math.Min(change.EstimateMs, int.MaxValue),
        Traceparent = traceparent ?? "",
    };

    /// <summary>What one stream has for an edge.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct News(string StreamId, IReadOnlyList<PeerDirective> Directives);
}
