using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Beacon.Contracts.Signaling.V1;
using Google.Protobuf;

namespace Beacon.Cli;

/// <summary>A request that was refused, with the reason that never changes.</summary>
internal sealed class RefusedException(string reason, string message, bool isRetryable) : Exception(message)
{
    public string Reason => reason;

    public bool IsRetryable => isRetryable;
}

/// <summary>The REST surface of one installation, with the messages of the contracts.</summary>
internal sealed class Api : IDisposable
{
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    private readonly HttpClient _http;
    private readonly Func<string, string?> _environment;
    private string? _token;

    public Api(Uri address, Func<string, string?> environment)
    {
        Address = address;
        _environment = environment;
        _http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(30) };
    }

    public Uri Address { get; }

    public HttpClient Http => _http;

    /// <summary>True when the environment says who calls.</summary>
    public bool HasCaller => Named("BEACON_TOKEN") is not null || Named("BEACON_OPERATOR_KEY") is not null;

    /// <summary>Anybody may ask.</summary>
    public Task<T> AskAsync<T>(string path, CancellationToken cancellation) where T : IMessage<T>, new() =>
        SendAsync<T>(HttpMethod.Get, path, null, token: null, cancellation);

    /// <summary>As the caller whom the environment names.</summary>
    public async Task<T> CallAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancellation) where T : IMessage<T>, new() =>
        await SendAsync<T>(method, path, body, await TokenAsync(cancellation), cancellation);

    public void Dispose() => _http.Dispose();

    private string? Named(string variable) => _environment(variable) is { Length: > 0 } value ? value : null;

    private async Task<string> TokenAsync(CancellationToken cancellation)
    {
        if (_token is not null)
            return _token;
        if (Named("BEACON_TOKEN") is { } token)
            return _token = token;
        var key = Named("BEACON_OPERATOR_KEY")
            ?? throw new RefusedException("missing_token", "This needs a token: set BEACON_TOKEN, or BEACON_OPERATOR_KEY to sign in with.", isRetryable: false);
        var guest = await SendAsync<CreateGuestResponse>(HttpMethod.Post, "/api/auth/guest", new { name = "Operator", operatorKey = key }, token: null, cancellation);
        return _token = guest.AccessToken;
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string path, object? body, string? token, CancellationToken cancellation) where T : IMessage<T>, new()
    {
        using var request = new HttpRequestMessage(method, path);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null)
            request.Content = JsonContent.Create(body);
        using var response = await _http.SendAsync(request, cancellation);
        var text = await response.Content.ReadAsStringAsync(cancellation);
        if (response.StatusCode != HttpStatusCode.OK)
            throw Refusal(response.StatusCode, text);
        return Parser.Parse<T>(text);
    }

    private static RefusedException Refusal(HttpStatusCode status, string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var detail = document.RootElement.GetProperty("details")[0];
            return new RefusedException(
                detail.GetProperty("reason").GetString()!,
                document.RootElement.GetProperty("message").GetString()!,
                detail.TryGetProperty("metadata", out var metadata) && metadata.TryGetProperty("retryable", out var retryable) && retryable.GetString() == "true");
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            // Not Beacon's own answer: a proxy's page, or something else that listens there.
            return new RefusedException($"http_{(int)status}", $"The answer is no answer of Beacon: HTTP {(int)status}.", (int)status >= 500);
        }
    }
}
