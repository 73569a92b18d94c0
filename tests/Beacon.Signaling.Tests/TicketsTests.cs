using System.Security.Cryptography;
using System.Text;
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
    private static readonly ResumeTicket Viewer = new("account with spaces", "stream", "peer", IsRoot: false);
    private readonly IssuerKey _key = new(IssuerKey.Make());
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());

    private TicketOffice Office(IssuerKey? key = null) => new(key ?? _key, Options.Create(new SignalingOptions()), _clock);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_resume_ticket_comes_back_as_it_was_written(bool isRoot)
    {
        var ticket = Viewer with { IsRoot = isRoot };

        Assert.Equal(ticket, Office().ReadResume(Office().Resume(ticket)));
    }

    [Fact]
    public void A_resume_ticket_of_another_key_or_kind_is_none()
    {
        Assert.Null(Office().ReadResume(Office(new IssuerKey(IssuerKey.Make())).Resume(Viewer)));
        Assert.Null(Office().ReadResume(Office().Edge("stream", 0, "parent", "child", parentKey: null)));
        Assert.Null(Office().ReadResume("not a ticket"));
        Assert.Null(Office().ReadResume(""));
        Assert.Null(Office().ReadResume("."));
    }

    [Fact]
    public void A_resume_ticket_with_any_character_changed_is_none()
    {
        var ticket = Office().Resume(Viewer);
        for (var at = 0; at < ticket.Length; at++)
        {
            var changed = $"{ticket[..at]}{(ticket[at] == 'A' ? 'B' : 'A')}{ticket[(at + 1)..]}";
            // The last character of a base64 group may carry bits that decode to nothing.
            Assert.True(Office().ReadResume(changed) is not { } read || read == Viewer, $"changed at {at}: {changed}");
        }
    }

    [Theory]
    [InlineData(1_440 * 60 - 1, true)]
    [InlineData(1_440 * 60, false)]
    public void A_resume_ticket_is_good_for_its_time_and_no_longer(int seconds, bool isGood)
    {
        var ticket = Office().Resume(Viewer);
        // From a whole second on, as the ticket counts.
        _clock.Advance(TimeSpan.FromSeconds(seconds));

        Assert.Equal(isGood, Office().ReadResume(ticket) is not null);
    }

    [Fact]
    public async Task A_signed_edge_ticket_verifies_with_the_published_key_and_names_the_edge()
    {
        var ticket = Office().Edge("stream", 1, "parent", "child", parentKey: null);
        var result = await new JsonWebTokenHandler().ValidateTokenAsync(ticket, Validation(new JsonWebKey(_key.PublicJwk), "ES256"));

        Assert.True(result.IsValid, result.Exception?.Message);
        NamesTheEdge(ticket);
    }

    [Fact]
    public async Task A_keyed_edge_ticket_verifies_with_its_parents_key_and_no_other()
    {
        var key = Office().KeyOf("stream", "parent");
        var ticket = Office().Edge("stream", 1, "parent", "child", key);

        Assert.Equal("HS256", new JsonWebToken(ticket).Alg);
        Assert.True((await new JsonWebTokenHandler().ValidateTokenAsync(ticket, Validation(new SymmetricSecurityKey(key), "HS256"))).IsValid);
        var neighbours = new SymmetricSecurityKey(Office().KeyOf("stream", "another parent"));
        Assert.False((await new JsonWebTokenHandler().ValidateTokenAsync(ticket, Validation(neighbours, "HS256"))).IsValid);
        NamesTheEdge(ticket);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_edge_ticket_is_good_for_the_seconds_that_are_set(bool isKeyed)
    {
        var office = new TicketOffice(_key, Options.Create(new SignalingOptions { EdgeTicketSeconds = 77 }), _clock);

        var ticket = new JsonWebToken(office.Edge("stream", 0, "parent", "child", isKeyed ? office.KeyOf("stream", "parent") : null));

        // That it ends then, to the millisecond, is the peers' to check: tickets.test.ts.
        Assert.Equal(_clock.GetUtcNow().ToUnixTimeSeconds() + 77, new DateTimeOffset(ticket.ValidTo, TimeSpan.Zero).ToUnixTimeSeconds());
    }

    [Fact]
    public void The_key_of_a_parent_is_the_same_on_every_replica_and_anothers_in_another_stream()
    {
        Assert.Equal(Office().KeyOf("stream", "parent"), Office().KeyOf("stream", "parent"));
        Assert.NotEqual(Office().KeyOf("stream", "parent"), Office().KeyOf("other", "parent"));
        Assert.NotEqual(Office().KeyOf("stream", "parent"), Office(new IssuerKey(IssuerKey.Make())).KeyOf("stream", "parent"));
    }

    [Fact]
    public void Turn_credentials_are_those_of_the_turn_rest_api()
    {
        var credentials = TurnCredentials.For("account", DateTimeOffset.FromUnixTimeSeconds(1_790_000_000), "a secret");

        Assert.Equal("1790000000:account", credentials.Username);
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA1, "a secret"u8);
        mac.AppendData(Encoding.ASCII.GetBytes(credentials.Username));
        Assert.Equal(Convert.ToBase64String(mac.GetHashAndReset()), credentials.Credential);
    }

    private static TokenValidationParameters Validation(SecurityKey key, string algorithm) => new()
    {
        IssuerSigningKey = key,
        ValidateIssuer = false,
        ValidateAudience = false,
        ValidAlgorithms = [algorithm],
    };

    private void NamesTheEdge(string ticket)
    {
        using var payload = JsonDocument.Parse(Base64UrlEncoder.Decode(new JsonWebToken(ticket).EncodedPayload));
        var claims = payload.RootElement;
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
