using System.Security.Claims;
using System.Security.Cryptography;
using Beacon.Contracts.Signaling.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Beacon.Signaling.Tests;

/// <summary>A small OIDC authority instead of the guest issuer: discovery, a key set, RS256.</summary>
public sealed class AuthorityTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>, IAsyncLifetime
{
    private readonly RSA _key = RSA.Create(2_048);
    private readonly RSA _strangers = RSA.Create(2_048);
    private readonly string _issuer = $"http://127.0.0.1:{Ports.Free()}";
    private WebApplication _authority = null!;
    private SignalingHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(_issuer);
        _authority = builder.Build();
        var publicKey = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(_key.ExportParameters(includePrivateParameters: false)) { KeyId = "one" });
        _authority.MapGet("/.well-known/openid-configuration", () => Results.Json(new { issuer = _issuer, jwks_uri = $"{_issuer}/keys" }));
        _authority.MapGet("/keys", () => Results.Json(new { keys = new[] { new { kty = "RSA", kid = "one", use = "sig", alg = "RS256", n = publicKey.N, e = publicKey.E } } }));
        await _authority.StartAsync(TestContext.Current.CancellationToken);
        _host = await SignalingHost.StartAsync(garnet.ConnectionString, settings: [("Auth:Authority", _issuer), ("Auth:Audience", "tv"), ("Auth:ChannelClaim", "handle")]);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _authority.DisposeAsync();
        _key.Dispose();
        _strangers.Dispose();
    }

    private string Token(
        RSA? key = null, string? issuer = null, string audience = "tv", int expiresInSeconds = 600, string scope = "viewer broadcaster", string account = "ada", SigningCredentials? signing = null) =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer ?? _issuer,
            Audience = audience,
            Expires = TimeProvider.System.GetUtcNow().AddSeconds(expiresInSeconds).UtcDateTime,
            Subject = new ClaimsIdentity([new Claim("sub", account), new Claim("scope", scope), new Claim("handle", "adas-channel")]),
            SigningCredentials = signing ?? new SigningCredentials(new RsaSecurityKey(key ?? _key) { KeyId = "one" }, SecurityAlgorithms.RsaSha256),
        });

    private async Task<ServerFrame> FirstFrameAsync(string token)
    {
        await using var socket = await FrameSocket.ConnectAsync(_host.WebSocket, token);
        return await socket.WaitAsync(_ => true, "a first frame");
    }

    [Fact]
    public async Task Its_tokens_open_sessions_and_a_fresh_one_keeps_them_open()
    {
        await using var socket = await FrameSocket.ConnectAsync(_host.WebSocket, Token());
        Assert.Equal("ada", (await socket.WaitAsync(ServerFrame.FrameOneofCase.Welcome)).Welcome.AccountId);
        var live = await socket.AskAsync(new ClientFrame { GoLive = new GoLive { Title = "T", BitrateKbps = 800 } });
        Assert.Equal("adas-channel", live.StreamLive.Channel);
        Assert.Equal(3u, live.StreamLive.Stripes);

        await socket.SendAsync(new ClientFrame { Refresh = new Refresh { AccessToken = Token(expiresInSeconds: 900) } });
        var refused = await socket.AskAsync(new ClientFrame { Refresh = new Refresh { AccessToken = Token(account: "bob") } });
        Assert.Equal("wrong_account", refused.Error.Reason);
        Assert.Equal(0, socket.Count(ServerFrame.FrameOneofCase.Error));
    }

    [Fact]
    public async Task Foreign_forged_and_expired_tokens_open_nothing()
    {
        var shared = new SigningCredentials(new SymmetricSecurityKey(_key.ExportSubjectPublicKeyInfo()) { KeyId = "one" }, SecurityAlgorithms.HmacSha256);
        string[] bad =
        [
            Token(key: _strangers),
            Token(issuer: "https://elsewhere.example.org"),
            Token(audience: "radio"),
            Token(expiresInSeconds: -40),
            // Signed with the public key as if it were a shared secret.
            Token(signing: shared),
            _host.Guest().AccessToken,
        ];
        foreach (var token in bad)
            Assert.Equal("invalid_token", (await FirstFrameAsync(token)).Error?.Reason);
        // Within the clock skew.
        Assert.NotNull((await FirstFrameAsync(Token(expiresInSeconds: -10))));
    }

    [Theory]
    [InlineData("viewer", "go-live")]
    [InlineData("broadcaster", "join")]
    public async Task A_token_allows_what_its_scopes_say(string scope, string refused)
    {
        await using var socket = await FrameSocket.ConnectAsync(_host.WebSocket, Token(scope: scope));
        var live = await socket.AskAsync(new ClientFrame { GoLive = new GoLive { Title = "T", BitrateKbps = 800 } });
        var joined = await socket.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = Guid.CreateVersion7().ToString() } });

        var (no, yes) = refused == "join" ? (joined, live) : (live, joined);
        Assert.Equal("missing_scope", no.Error.Reason);
        Assert.Null(yes.Error);
    }

    [Fact]
    public async Task There_are_no_guests_beside_an_authority()
    {
        using var rest = new RestClient(_host.Http);
        var refused = await rest.PostAsync("/api/auth/guest", new { name = "Guest" });
        Assert.Equal((400, "guests_disabled"), (refused.Status, refused.Reason));
    }
}
