using System.Text.Json;
using Beacon.Testing;

namespace Beacon.Swarm.Chaos;

/// <summary>A stream's tree as Topology tells it to everybody.</summary>
internal sealed class TreeView
{
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);
    private readonly List<(string PeerId, string ParentId, int Slots, int Children)> _peers = [];
    private readonly int _waiting;

    private TreeView(JsonElement answer)
    {
        if (answer.TryGetProperty("peers", out var peers))
            _peers.AddRange(peers.EnumerateArray().Select(peer => (Text(peer, "peerId"), Text(peer, "parentPeerId"), Number(peer, "slots"), Number(peer, "children"))));
        _waiting = answer.TryGetProperty("waitingPeerIds", out var waiting) ? waiting.GetArrayLength() : 0;
    }

    public static async Task<TreeView> ReadAsync(RestClient rest, string streamId)
    {
        var answer = await rest.GetAsync($"/api/streams/{streamId}/tree?pageSize=10000").WaitAsync(AnswerTime);
        return answer.Status == 200 ? new TreeView(answer.Body) : throw new HttpRequestException($"No tree: {answer.Status} {answer.Text}");
    }

    /// <summary>
    /// What is wrong, as sentences: a viewer that is missing, or there twice, or below another parent than it knows; somebody who is not there any
    /// more; a way that does not lead to the broadcaster; more children than slots.
    /// </summary>
    public IReadOnlyList<string> Problems(string rootId, IReadOnlyList<(string PeerId, string ParentId)> viewers)
    {
        var problems = new List<string>();
        var known = viewers.ToDictionary(viewer => viewer.PeerId, viewer => viewer.ParentId, StringComparer.Ordinal);
        var places = _peers.ToLookup(peer => peer.PeerId, StringComparer.Ordinal);
        foreach (var (peerId, parentId) in viewers)
        {
            var there = places[peerId].Select(place => place.ParentId).ToList();
            if (there.Count != 1)
                problems.Add($"{peerId} has {there.Count} places");
            else if (there[0] != parentId)
                problems.Add($"{peerId} is below {there[0]} and knows {(parentId.Length > 0 ? parentId : "nobody")}");
        }

        problems.AddRange(_peers.Where(peer => peer.PeerId != rootId && !known.ContainsKey(peer.PeerId)).Select(peer => $"{peer.PeerId} is in the tree and not here"));
        problems.AddRange(_peers.Where(peer => peer.Children > peer.Slots).Select(peer => $"{peer.PeerId} has {peer.Children} children in {peer.Slots} slots"));
        var reached = NodeTree.DepthsOf(_peers.Select(peer => (peer.PeerId, peer.ParentId)), rootId);
        problems.AddRange(_peers.Where(peer => peer.PeerId != rootId && !reached.ContainsKey(peer.PeerId)).Select(peer => $"{peer.PeerId} hangs on {peer.ParentId}, which leads not to the broadcaster"));
        if (_waiting > 0)
            problems.Add($"{_waiting} wait");
        return problems;
    }

    private static string Text(JsonElement peer, string name) => peer.TryGetProperty(name, out var value) ? value.GetString()! : "";

    private static int Number(JsonElement peer, string name) => peer.TryGetProperty(name, out var value) ? value.GetInt32() : 0;
}
