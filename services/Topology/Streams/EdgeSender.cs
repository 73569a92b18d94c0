using System.Collections.Concurrent;
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
internal sealed class EdgeSender(IBus bus, IOptions<TopologyOptions> options, TimeProvider clock, TopologyMetrics metrics, ILogger<EdgeSender> log)
    : IEdgeSender
{
    private const int DirectivesPerMessage = 512;

    /// <summary>An owner waits for its commits before it makes others, so this is more than most replicas have.</summary>
    private const int NewsTogether = 1_024;

    private const int MaxUnderWay = 2;

    /// <summary>More than there are edges: those that are gone.</summary>
    private const int MaxEdges = 1_024;

    private readonly ConcurrentDictionary<string, GroupedCalls<News, bool>> _edges = new(StringComparer.Ordinal);

    public Task SendAsync(StreamState stream, IReadOnlyList<Change> changes, IReadOnlyList<TracedChanges> traces) =>
        Task.WhenAll(ByEdge(changes, traces).Select(edge =>
            CallsTo(edge.Key).AskAsync(new News(stream.StreamId, edge.Value))));

    /// <summary>What each edge is to be told: first those with a new parent, who may be without a picture, and each peer in order.</summary>
    internal static Dictionary<string, List<PeerDirective>> ByEdge(IReadOnlyList<Change> changes, IReadOnlyList<TracedChanges> traces)
    {
        var byEdge = new Dictionary<string, List<PeerDirective>>(StringComparer.Ordinal);
        var moved = changes.Where(change => change.Kind == ChangeKind.ParentAssigned).Select(change => MemberState.Of(change.Peer)).ToHashSet();
        Add(moved.Contains);
        Add(member => !moved.Contains(member));
        return byEdge;

        void Add(Func<MemberState, bool> isDue)
        {
            var trace = 0;
            for (var at = 0; at < changes.Count; at++)
            {
                var change = changes[at];
                while (trace < traces.Count && traces[trace].To <= at)
                    trace++;
                var member = MemberState.Of(change.Peer);
                // Who has left meanwhile is told nothing.
                if (member.IsGone || !isDue(member))
                    continue;
                if (!byEdge.TryGetValue(member.Member.EdgeId, out var directives))
                    byEdge[member.Member.EdgeId] = directives = [];
                directives.Add(Directive(member, change, trace < traces.Count && traces[trace].From <= at ? traces[trace].Traceparent : null));
            }
        }
    }

    public Task ChallengeAsync(StreamState stream, long window, Challenge challenge) =>
        Task.WhenAll(stream.EdgeIds.Select(edgeId =>
            SendAsync(edgeId, new ChallengeIssued(edgeId, stream.StreamId, window, challenge.Stripe, challenge.Sequence, challenge.Nonce))));

    public async Task<bool> TryPublishAsync<T>(string streamId, T fact) where T : class
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(options.Value.SendTimeoutMs), clock);
        try
        {
            await bus.Publish(fact, timeout.Token);
            return true;
        }
        catch (Exception exception)
        {
            Log.PublishFailed(log, streamId, exception);
            return false;
        }
    }

    private GroupedCalls<News, bool> CallsTo(string edgeId)
    {
        // Calls that are under way answer all the same.
        if (_edges.Count > MaxEdges)
            _edges.Clear();
        return _edges.GetOrAdd(edgeId, _ => new(NewsTogether, MaxUnderWay, async news =>
        {
            var isSent = true;
            foreach (var message in Messages(news))
                isSent = isSent && await SendAsync(edgeId, new PeersReassigned(edgeId, message.ToByteArray()));
            return [.. news.Select(_ => isSent)];
        }));
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
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(options.Value.SendTimeoutMs), clock);
        try
        {
            var endpoint = await bus.GetSendEndpoint(EdgeEndpoint.Address(edgeId)).WaitAsync(timeout.Token);
            await endpoint.Send(message, timeout.Token);
            return true;
        }
        catch (Exception exception)
        {
            metrics.SendFailures.Add(1);
            Log.SendFailed(log, edgeId, exception);
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
