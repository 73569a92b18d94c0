using Beacon.Testing;

namespace Beacon.Scenarios.OpenApi;

/// <summary>A server with its document, and what calls need to succeed: streams, peers, credits.</summary>
public sealed class OpenApiFixture : IAsyncLifetime
{
    private readonly ComposedFixture _server = new();
    private readonly List<IAsyncDisposable> _open = [];
    private ServedDocument? _document;

    public HttpClient Http => field ??= new HttpClient { BaseAddress = _server.Server.Http };

    public RestClient Rest => _server.Rest;

    internal ServedDocument Document => _document ?? throw new InvalidOperationException("The server is not started.");

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        _document = new ServedDocument((await Rest.GetAsync("/openapi/v1.json")).Text);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var open in _open)
            await open.DisposeAsync();
        Http.Dispose();
        await _server.DisposeAsync();
    }

    public Task<Guest> GuestAsync() => Rest.GuestAsync("Somebody");

    public Task<Guest> OperatorAsync() => Rest.GuestAsync("Operator", BeaconServer.OperatorKey);

    public Task<Guest> RichAsync() => _server.RichGuestAsync("Rich", 1_000_000_000);

    /// <summary>A live stream, until the end of the tests.</summary>
    public async Task<(Guest Host, SyntheticPeer Root)> LiveAsync()
    {
        var host = await Rest.GuestAsync("Host");
        var root = await SyntheticPeer.BroadcastAsync(_server.Server, host);
        _open.Add(root);
        return (host, root);
    }

    /// <summary>A viewer who has its place.</summary>
    public async Task<(Guest Guest, SyntheticPeer Peer)> ViewerAsync(string streamId)
    {
        var guest = await Rest.GuestAsync("Viewer");
        var peer = await SyntheticPeer.WatchAsync(_server.Server, guest, streamId);
        _open.Add(peer);
        await peer.ParentAsync();
        return (guest, peer);
    }

    /// <summary>A POST that must succeed, for what a case needs before its own call.</summary>
    public async Task<RestAnswer> DoneAsync(string path, object body, Guest caller)
    {
        var answer = await Rest.PostAsync(path, body, caller);
        return answer.Status == 200 ? answer : throw new InvalidOperationException($"POST {path}: {answer.Status} {answer.Text}");
    }
}
