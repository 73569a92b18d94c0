using System.Runtime.InteropServices;
using Beacon.Contracts.Events;
using Beacon.ServiceDefaults;
using Beacon.Topology.Mesh;
using MassTransit;
using Microsoft.Extensions.Options;

namespace Beacon.Topology.Streams;

/// <summary>What an owner tells the outside.</summary>
internal interface IEdgeSender
{
    /// <summary>Tells peers, through their edges, what is new for them. What does not arrive is told again later.</summary>
    Task SendAsync(StreamState stream, PeerNews news);

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
    /// <summary>An owner waits for its commits before it makes others, so this is more than most replicas have.</summary>
    private const int NewsTogether = 1_024;

    /// <summary>More than there are edges: those that are gone.</summary>
    private const int MaxEdges = 1_024;

    private readonly IBus _bus;
    private readonly TopologyOptions _options;
    private readonly TimeProvider _clock;
    private readonly TopologyMetrics _metrics;
    private readonly ILogger<EdgeSender> _log;
    private readonly GroupedCallsByKey<IReadOnlyList<EncodedDirectives>, bool> _news;

    public EdgeSender(IBus bus, IOptions<TopologyOptions> options, TimeProvider clock, TopologyMetrics metrics, ILogger<EdgeSender> log)
    {
        _bus = bus;
        _options = options.Value;
        _clock = clock;
        _metrics = metrics;
        _log = log;
        _news = new(MaxEdges, NewsTogether, maxUnderWay: 1, SendNewsAsync);
    }

    public Task SendAsync(StreamState stream, PeerNews news) =>
        Task.WhenAll(ByEdge(stream.StreamId, news).Select(edge => _news.AskAsync(edge.EdgeId, edge.Parts)));

    /// <summary>What each edge is to be told: first those with a new parent, who may be without a picture, and each peer in order.</summary>
    internal static IReadOnlyList<EdgeNews> ByEdge(string streamId, PeerNews news)
    {
        var byEdge = new Dictionary<string, (DirectiveWriter Moved, DirectiveWriter Others)>(StringComparer.Ordinal);
        var traces = news.Traces;
        var trace = 0;
        var at = -1;
        foreach (ref readonly var change in CollectionsMarshal.AsSpan(news.Changes))
        {
            at++;
            while (trace < traces.Count && traces[trace].To <= at)
                trace++;
            var member = MemberState.Of(change.Peer);
            // Who has left meanwhile is told nothing.
            if (member.IsGone)
                continue;
            if (!byEdge.TryGetValue(member.Member.EdgeId, out var edge))
                byEdge[member.Member.EdgeId] = edge = (new DirectiveWriter(streamId), new DirectiveWriter(streamId));
            (member.HasNewParentIn >= news.Number ? edge.Moved : edge.Others).Write(member, change, trace < traces.Count && traces[trace].From <= at ? traces[trace].Traceparent : null);
        }

        return [.. byEdge.Select(edge => new EdgeNews(edge.Key, [.. edge.Value.Moved.Close(), .. edge.Value.Others.Close()]))];
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

    private async Task<IReadOnlyList<bool>> SendNewsAsync(string edgeId, IReadOnlyList<IReadOnlyList<EncodedDirectives>> news)
    {
        var isSent = true;
        // What follows a message that did not arrive would not arrive either.
        foreach (var message in Messages(news.SelectMany(parts => parts)).TakeWhile(_ => isSent))
            isSent = await SendAsync(edgeId, new PeersReassigned(edgeId, message));
        return [.. news.Select(_ => isSent)];
    }

    /// <summary>As few as may be, of a bounded size each: the bytes of messages with one repeated field, one after the other, are those of one with all of it.</summary>
    private static IEnumerable<byte[]> Messages(IEnumerable<EncodedDirectives> parts)
    {
        var together = new List<byte[]>();
        var (directives, bytes) = (0, 0);
        foreach (var part in parts)
        {
            if (together.Count > 0 && (directives + part.Count > DirectiveWriter.MaxDirectives || bytes + part.Bytes.Length > DirectiveWriter.MaxBytes))
            {
                yield return Together(together);
                together.Clear();
                (directives, bytes) = (0, 0);
            }

            together.Add(part.Bytes);
            directives += part.Count;
            bytes += part.Bytes.Length;
        }

        if (together.Count > 0)
            yield return Together(together);
    }

    private static byte[] Together(List<byte[]> parts)
    {
        if (parts.Count == 1)
            return parts[0];
        var all = new byte[parts.Sum(part => part.Length)];
        var at = 0;
        foreach (var part in parts)
        {
            part.CopyTo(all, at);
            at += part.Length;
        }

        return all;
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
}

/// <summary>What one stream has for an edge, in order.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct EdgeNews(string EdgeId, IReadOnlyList<EncodedDirectives> Parts);
