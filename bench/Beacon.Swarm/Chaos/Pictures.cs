using System.Globalization;
using System.Text.Json.Nodes;
using Beacon.Testing;

namespace Beacon.Swarm.Chaos;

/// <summary>One stream over real data channels, watched by headless viewers: whether pictures stop.</summary>
internal sealed class Pictures : IAsyncDisposable
{
    private const int BitrateKbps = 200;
    private const int Children = 2;
    private const int PeersPerProcess = 5;
    private readonly List<NodePeers> _viewers = [];
    private readonly NodePeers _root;
    private string _rootId = "";

    private Pictures(NodePeers root) => _root = root;

    public string StreamId { get; private set; } = "";

    public static async Task<Pictures> StartAsync(Uri http, int count, CancellationToken cancellation)
    {
        var url = http.GetLeftPart(UriPartial.Authority);
        var pictures = new Pictures(NodePeers.Start("root", url, $"--bitrate={BitrateKbps}", "--fps=10", $"--children={Children}"));
        var hello = await pictures._root.HearAsync(cancellation);
        (pictures.StreamId, pictures._rootId) = (Text(hello, "streamId"), Text(hello, "peerId"));
        // As many children as the broadcaster has, so that the tree is deep.
        var uplink = ((Children + 0.5) * BitrateKbps / 1000 / 0.8).ToString(CultureInfo.InvariantCulture);
        for (var left = count; left > 0; left -= PeersPerProcess)
        {
            var process = NodePeers.Start("viewers", url, pictures.StreamId, $"--peers={Math.Min(left, PeersPerProcess)}", $"--uplink={uplink}");
            pictures._viewers.Add(process);
            await process.HearAsync(cancellation);
        }

        return pictures;
    }

    /// <summary>Breaks and chunks count from here.</summary>
    public Task BeginAnewAsync(CancellationToken cancellation) =>
        Task.WhenAll(_viewers.SelectMany(process => new[] { process.AskAsync("begin", cancellation), process.AskAsync("forget", cancellation) }));

    public Task<List<NodeViewer>> StatsAsync(CancellationToken cancellation) => NodeTree.StatsAsync(_viewers, cancellation);

    /// <summary>What is wrong: a viewer that is not fed, or not below the broadcaster, or not where the tree has it.</summary>
    public async Task<IReadOnlyList<string>> ProblemsAsync(TreeView tree, CancellationToken cancellation)
    {
        var stats = await StatsAsync(cancellation);
        var depths = NodeTree.DepthsOf(stats.Select(viewer => (viewer.PeerId, viewer.Parent)), _rootId);
        return
        [
            .. stats.Where(viewer => !depths.ContainsKey(viewer.PeerId)).Select(viewer => $"{viewer.PeerId} is fed by {(viewer.Parent.Length > 0 ? viewer.Parent : "nobody")}, which leads not to the broadcaster"),
            .. tree.Problems(_rootId, [.. stats.Select(viewer => (viewer.PeerId, viewer.Parent))]),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _viewers)
            await process.DisposeAsync();
        await _root.DisposeAsync();
    }

    private static string Text(JsonNode node, string name) => node[name]!.GetValue<string>();
}
