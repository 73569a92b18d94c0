using System.Text.Json;
using Beacon.Signaling.Identity;
using Beacon.Signaling.Tickets;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using TicketOffice = Beacon.Signaling.Tickets.Tickets;

namespace Beacon.Signaling.Tests;

public sealed class TicketsTests
{
    private readonly IssuerKey _key = new(IssuerKey.Make());
    // Resume tickets are validated by the library's own clock, so this one starts at the real time.
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());

    private TicketOffice Office(IssuerKey? key = null) => new(key ?? _key, Options.Create(new SignalingOptions()), _clock);

    [Fact]
    public async Task A_resume_ticket_comes_back_as_it_was_written()
    {
        var ticket = new ResumeTicket("account", "stream", "peer", IsRoot: true);

        Assert.Equal(ticket, await Office().ReadResumeAsync(Office().Resume(ticket)));
    }

    [Fact]
    public async Task A_ticket_of_another_key_or_kind_is_none()
    {
        var foreign = Office(new IssuerKey(IssuerKey.Make())).Resume(new ResumeTicket("account", "stream", "peer", IsRoot: true));

        Assert.Null(await Office().ReadResumeAsync(foreign));
        Assert.Null(await Office().ReadResumeAsync(Office().Edge("stream", 0, "parent", "child")));
        Assert.Null(await Office().ReadResumeAsync("not a token"));
    }

    [Fact]
    public async Task An_expired_ticket_is_none()
    {
        _clock.AdjustTime(TimeProvider.System.GetUtcNow() - TimeSpan.FromDays(2));
        var old = Office().Resume(new ResumeTicket("account", "stream", "peer", IsRoot: false));

        Assert.Null(await Office().ReadResumeAsync(old));
    }

    [Fact]
    public async Task An_edge_ticket_verifies_with_the_published_key_and_names_the_edge()
    {
        var result = await new JsonWebTokenHandler().ValidateTokenAsync(Office().Edge("stream", 1, "parent", "child"), new TokenValidationParameters
        {
            IssuerSigningKey = new JsonWebKey(_key.PublicJwk),
            ValidateIssuer = false,
            ValidateAudience = false,
            ValidAlgorithms = ["ES256"],
        });

        Assert.True(result.IsValid, result.Exception?.Message);
        var claims = JsonDocument.Parse(Base64UrlEncoder.Decode(((JsonWebToken)result.SecurityToken).EncodedPayload)).RootElement;
        Assert.Equal("beacon-edge", claims.GetProperty("typ").GetString());
        Assert.Equal("stream", claims.GetProperty("stream").GetString());
        Assert.Equal(1, claims.GetProperty("stripe").GetInt32());
        Assert.Equal("parent", claims.GetProperty("parent").GetString());
        Assert.Equal("child", claims.GetProperty("child").GetString());
        Assert.Equal(_clock.GetUtcNow().ToUnixTimeSeconds() + 120, claims.GetProperty("exp").GetInt64());
    }

    [Fact]
    public async Task A_key_certificate_names_the_stream_and_the_key_and_nothing_private()
    {
        const string Jwk = """{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","ext":true}""";
        var certificate = Office().StreamKey("stream", SigningKey.Parse(Jwk)!);

        var result = await new JsonWebTokenHandler().ValidateTokenAsync(certificate, new TokenValidationParameters
        {
            IssuerSigningKey = new JsonWebKey(_key.PublicJwk),
            ValidateIssuer = false,
            ValidateAudience = false,
            RequireExpirationTime = false,
        });
        Assert.True(result.IsValid, result.Exception?.Message);
        var claims = Base64UrlEncoder.Decode(((JsonWebToken)result.SecurityToken).EncodedPayload);
        Assert.Equal("""{"typ":"beacon-stream-key","stream":"stream","key":{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}}""", claims);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("no json")]
    [InlineData("""{"kty":"EC","crv":"P-384","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}""")]
    [InlineData("""{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}""")]
    [InlineData("""{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"short"}""")]
    [InlineData("""{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}""")]
    public void What_is_no_public_signing_key_is_refused(string jwk) => Assert.Null(SigningKey.Parse(jwk));

    [Fact]
    public void An_Ed25519_key_is_taken() =>
        Assert.NotNull(SigningKey.Parse("""{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"""));
}
