using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Beacon.Testing;

/// <summary>The answer of a REST call: status, body, and the reason when it failed.</summary>
public sealed record RestAnswer(int Status, JsonElement Body, string Text)
{
    /// <summary>The machine reason of a failed call, in whatever detail it stands; empty when there is none.</summary>
    public string Reason => Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty("details", out var details)
        ? details.EnumerateArray().Select(detail => detail.TryGetProperty("reason", out var reason) ? reason.GetString() : null).FirstOrDefault(reason => reason is not null) ?? ""
        : "";

    /// <summary>The same call may succeed later.</summary>
    public bool IsRetryable => Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty("details", out var details)
        && details.EnumerateArray().Any(detail => detail.TryGetProperty("metadata", out var metadata) && metadata.TryGetProperty("retryable", out var retryable) && retryable.GetString() == "true");

    /// <summary>An int64 of proto JSON, which is text; absent is 0.</summary>
    public long Amount(string property) =>
        Body.TryGetProperty(property, out var value) ? long.Parse(value.GetString()!, System.Globalization.CultureInfo.InvariantCulture) : 0;
}

/// <summary>A guest account and its token.</summary>
public sealed record Guest(string AccountId, string AccessToken, string RefreshToken, string Channel);

/// <summary>A frontend that calls the REST surface.</summary>
public sealed class RestClient(Uri server) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = server };

    public async Task<Guest> GuestAsync(string name, string? operatorKey = null)
    {
        var answer = await SendAsync(HttpMethod.Post, "/api/auth/guest", new { name, operatorKey = operatorKey ?? "" });
        if (answer.Status != 200)
            throw new InvalidOperationException($"No guest: {answer.Status} {answer.Text}");
        return new Guest(Text("accountId"), Text("accessToken"), Text("refreshToken"), Text("channel"));

        string Text(string property) => answer.Body.GetProperty(property).GetString()!;
    }

    public Task<RestAnswer> GetAsync(string path, Guest? caller = null) => SendAsync(HttpMethod.Get, path, null, caller?.AccessToken);

    public Task<RestAnswer> PostAsync(string path, object body, Guest? caller = null) => SendAsync(HttpMethod.Post, path, body, caller?.AccessToken);

    public Task<RestAnswer> PutAsync(string path, object body, Guest? caller = null) => SendAsync(HttpMethod.Put, path, body, caller?.AccessToken);

    public async Task<RestAnswer> SendAsync(HttpMethod method, string path, object? body, string? accessToken = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (accessToken is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        if (body is not null)
            request.Content = body is string raw ? new StringContent(raw, System.Text.Encoding.UTF8, "application/json") : JsonContent.Create(body);
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var json = text.StartsWith('{') ? JsonDocument.Parse(text).RootElement : default;
        return new RestAnswer((int)response.StatusCode, json, text);
    }

    /// <summary>The caller's balance in micro-credits.</summary>
    public async Task<long> BalanceAsync(Guest guest)
    {
        var answer = await GetAsync("/api/wallet", guest);
        return answer.Status == 200 ? answer.Amount("balanceMicrocredits") : throw new InvalidOperationException($"No wallet: {answer.Status} {answer.Text}");
    }

    public void Dispose() => _http.Dispose();
}
