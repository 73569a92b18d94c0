using System.Net;
using System.Net.Http.Headers;
using Beacon.Signaling.Identity;
using Microsoft.Extensions.Time.Testing;

namespace Beacon.Signaling.Tests;

/// <summary>How many calls of REST a caller may make, and what it is told of that.</summary>
public sealed class CallRatesTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>
{
    private const string Path = "/api/ice-servers";
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());

    private Task<SignalingHost> StartAsync(params (string Key, string Value)[] settings) => SignalingHost.StartAsync(garnet.ConnectionString, new Asked(), _clock, null, settings);

    [Fact]
    public async Task An_account_may_make_its_burst_of_calls_and_not_one_more()
    {
        await using var host = await StartAsync(("Signaling:CallBurstPerAccount", "2"), ("Signaling:CallsPerSecondPerAccount", "2"));
        var guest = host.Guest();

        Assert.Equal((200, "\"calls\";q=2;w=1", "\"calls\";r=1;t=1", ""), await AskAsync(host, guest));
        Assert.Equal((200, "\"calls\";q=2;w=1", "\"calls\";r=0;t=1", ""), await AskAsync(host, guest));
        Assert.Equal((429, "\"calls\";q=2;w=1", "\"calls\";r=0;t=1", "1"), await AskAsync(host, guest));
        // Another account at the same address has its own.
        Assert.Equal(200, (await AskAsync(host, host.Guest("Another"))).Status);

        _clock.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal((200, "\"calls\";q=2;w=1", "\"calls\";r=0;t=1", ""), await AskAsync(host, guest));
        Assert.Equal(429, (await AskAsync(host, guest)).Status);
    }

    [Fact]
    public async Task An_address_may_make_its_burst_of_calls_without_a_token_and_not_one_more()
    {
        await using var host = await StartAsync(("Signaling:CallBurstPerAddress", "2"), ("Signaling:CallsPerSecondPerAddress", "1"));
        using var rest = new RestClient(host.Http);
        await rest.GuestAsync("One");
        await rest.GuestAsync("Two");

        var refused = await rest.PostAsync("/api/auth/guest", new { name = "Three" });

        Assert.Equal((429, "too_many_calls"), (refused.Status, refused.Reason));
        // Who has a token is counted by account, and pages are no calls.
        Assert.Equal(200, (await AskAsync(host, host.Guest())).Status);
        Assert.Equal(200, (await rest.GetAsync("/health")).Status);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await rest.GuestAsync("Three");
    }

    [Fact]
    public async Task A_guest_is_told_of_both_counts_that_it_uses_up()
    {
        await using var host = await StartAsync(("Signaling:GuestBurstPerAddress", "5"), ("Signaling:CallBurstPerAddress", "9"), ("Signaling:CallsPerSecondPerAddress", "3"));
        using var http = new HttpClient { BaseAddress = host.Http };
        using var body = new StringContent("{\"name\":\"Ada\"}", System.Text.Encoding.UTF8, "application/json");

        using var made = await http.PostAsync("/api/auth/guest", body, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, made.StatusCode);
        Assert.Equal(["\"calls\";q=9;w=3", "\"guests\";q=5;w=5"], made.Headers.GetValues("RateLimit-Policy"));
        Assert.Equal(["\"calls\";r=8;t=1", "\"guests\";r=4;t=1"], made.Headers.GetValues("RateLimit"));
    }

    private static async Task<(int Status, string Policy, string Limit, string RetryAfter)> AskAsync(SignalingHost host, IssuedTokens guest)
    {
        using var http = new HttpClient { BaseAddress = host.Http };
        using var request = new HttpRequestMessage(HttpMethod.Get, Path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", guest.AccessToken);
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, Header("RateLimit-Policy"), Header("RateLimit"), Header("Retry-After"));

        string Header(string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : "";
    }
}
