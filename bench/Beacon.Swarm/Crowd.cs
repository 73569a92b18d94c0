using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Beacon.Swarm.Wire;

namespace Beacon.Swarm;

/// <summary>The synthetic viewers, and the REST calls that are made for them.</summary>
internal sealed class Crowd : IDisposable
{
    private readonly HttpClient _http;
    private readonly Server _server;

    public Crowd(Server server)
    {
        _server = server;
        _http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 256 }) { BaseAddress = server.Http };
        Endpoint = new IPEndPoint(Dns.GetHostAddresses(server.Http.Host, System.Net.Sockets.AddressFamily.InterNetwork)[0], server.Http.Port);
    }

    public IPEndPoint Endpoint { get; }

    public async Task<Guest[]> GuestsAsync(int count)
    {
        var guests = new Guest[count];
        await ForAllAsync(count, inFlight: 64, async index => guests[index] = await GuestAsync($"Swarm {index}", operatorKey: ""));
        return guests;
    }

    /// <summary>A guest with credits to give away.</summary>
    public async Task<Guest> RichGuestAsync(long microcredits)
    {
        var guest = await GuestAsync("Swarm tipper", operatorKey: "");
        var banker = await GuestAsync("Swarm operator", _server.OperatorKey);
        await PostAsync("/api/deposits", banker, new { accountId = guest.AccountId, amountMicrocredits = microcredits, transferId = Guid.CreateVersion7() });
        return guest;
    }

    public async Task PostAsync(string path, Guest caller, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", caller.AccessToken);
        using var response = await _http.SendAsync(request);
        if (!response.IsSuccessStatusCode)
            throw new InvalidOperationException($"{path}: {response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    /// <summary>Runs an operation for each index, so many at a time.</summary>
    public static async Task ForAllAsync(int count, int inFlight, Func<int, Task> run)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(inFlight, count)).Select(async _ =>
        {
            await Task.Yield();
            for (var index = Interlocked.Increment(ref next); index < count; index = Interlocked.Increment(ref next))
                await run(index);
        }));
    }

    public void Dispose() => _http.Dispose();

    private async Task<Guest> GuestAsync(string name, string operatorKey)
    {
        using var response = await _http.PostAsJsonAsync("/api/auth/guest", new { name, operatorKey });
        var text = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode)
            throw new InvalidOperationException($"No guest: {text}");
        using var body = JsonDocument.Parse(text);
        return new Guest(body.RootElement.GetProperty("accountId").GetString()!, body.RootElement.GetProperty("accessToken").GetString()!);
    }
}
