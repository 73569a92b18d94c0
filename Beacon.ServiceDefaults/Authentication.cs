using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace Beacon.ServiceDefaults;

/// <summary>
/// Two ways to be known: users by the authority's access tokens (scheme <c>Bearer</c>, the default), services by the shared
/// key (scheme <c>Service</c>, policy <see cref="ServicePolicy"/>). Neither accepts the other's tokens.
/// </summary>
public static class Authentication
{
    /// <summary>The policy of internal RPCs.</summary>
    public const string ServicePolicy = "service";

    /// <summary>Where the caller's channel stands after validation, whatever the authority calls the claim.</summary>
    public const string ChannelClaimType = "channel";

    private const string ServiceScheme = "Service";

    public static void AddBeaconAuthentication(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddOptions<AuthOptions>()
            .BindConfiguration(AuthOptions.Section)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        var configured = builder.Configuration.GetSection(AuthOptions.Section).Get<AuthOptions>() ?? new AuthOptions();
        var serviceKey = new SymmetricSecurityKey(AuthOptions.IsKey(configured.ServiceKey)
            ? Convert.FromBase64String(configured.ServiceKey)
            : builder.SecretFile("service.key", () => RandomNumberGenerator.GetBytes(32)));
        builder.Services.AddSingleton(services => new ServiceTokens(serviceKey, services.GetRequiredService<TimeProvider>()));

        builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme)
            .AddJwtBearer(jwt => jwt.Events = new JwtBearerEvents { OnChallenge = Refuse, OnForbidden = Forbid, OnTokenValidated = RenameChannel, OnMessageReceived = PassServices })
            .AddJwtBearer(ServiceScheme, jwt =>
            {
                jwt.MapInboundClaims = false;
                jwt.Events = new JwtBearerEvents { OnChallenge = Refuse, OnForbidden = Forbid };
                jwt.TokenValidationParameters = new TokenValidationParameters
                {
                    ValidIssuer = ServiceTokens.Issuer,
                    ValidAudience = ServiceTokens.Issuer,
                    IssuerSigningKey = serviceKey,
                    ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
                    ClockSkew = TimeSpan.FromSeconds(configured.ClockSkewSeconds),
                };
            });
        builder.Services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<IOptions<AuthOptions>>((jwt, options) =>
            {
                var auth = options.Value;
                jwt.MapInboundClaims = false;
                jwt.TokenValidationParameters.ValidAudience = auth.Audience;
                jwt.TokenValidationParameters.NameClaimType = "name";
                jwt.TokenValidationParameters.ClockSkew = TimeSpan.FromSeconds(auth.ClockSkewSeconds);
                // An authority's public key never verifies a token that claims a shared secret.
                jwt.TokenValidationParameters.ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256];
                if (auth.Authority.Length == 0)
                    return;
                jwt.Authority = auth.Authority;
                jwt.RequireHttpsMetadata = auth.Authority.StartsWith("https:", StringComparison.OrdinalIgnoreCase);
            });
        builder.Services.AddAuthorizationBuilder()
            .AddPolicy(ServicePolicy, policy => policy
                .AddAuthenticationSchemes(ServiceScheme)
                .RequireClaim("scope", Scopes.Service));
    }

    /// <summary>
    /// A service's token is none of the authority's, so the authority need not be asked for its keys first: the services start before
    /// the one that issues users' tokens, and must not wait for it.
    /// </summary>
    private static Task PassServices(MessageReceivedContext context)
    {
        const string Prefix = "Bearer ";
        var header = context.Request.Headers.Authorization.ToString();
        if (header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && ServiceTokens.IsOne(header[Prefix.Length..]))
            context.NoResult();
        return Task.CompletedTask;
    }

    private static Task RenameChannel(TokenValidatedContext context)
    {
        var claim = context.HttpContext.RequestServices.GetRequiredService<IOptions<AuthOptions>>().Value.ChannelClaim;
        if (claim != ChannelClaimType && context.Principal?.FindFirst(claim) is { } channel)
            ((ClaimsIdentity)context.Principal.Identity!).AddClaim(new Claim(ChannelClaimType, channel.Value));
        return Task.CompletedTask;
    }

    private static Task Refuse(JwtBearerChallengeContext context)
    {
        context.HandleResponse();
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return ErrorJson.RefuseAsync(
            context.HttpContext, StatusCodes.Status401Unauthorized, context.AuthenticateFailure is null ? CommonErrors.MissingToken : CommonErrors.InvalidToken);
    }

    private static Task Forbid(ForbiddenContext context) => ErrorJson.RefuseAsync(context.HttpContext, StatusCodes.Status403Forbidden, CommonErrors.MissingScope);
}
