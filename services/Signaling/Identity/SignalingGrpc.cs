using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Beacon.Contracts.Ledger.V1;
using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using SignalingServiceBase = Beacon.Contracts.Signaling.V1.SignalingService.SignalingServiceBase;

namespace Beacon.Signaling.Identity;

/// <summary>Guest accounts and ICE servers.</summary>
internal sealed class SignalingGrpc(
    GuestIssuer issuer,
    OperatorKey operatorKey,
    LedgerAccountsService.LedgerAccountsServiceClient ledger,
    IOptions<SignalingOptions> options,
    IOptions<AuthOptions> auth,
    TimeProvider clock,
    ILogger<SignalingGrpc> log) : SignalingServiceBase
{
    [AllowAnonymous]
    public override async Task<CreateGuestResponse> CreateGuest(CreateGuestRequest request, ServerCallContext context)
    {
        RequireGuests();
        var name = request.Name.Trim();
        if (name.Length is 0 or > 40 || name.Any(char.IsControl))
            throw SignalingErrors.InvalidName.Exception();
        var isOperator = request.OperatorKey.Length > 0;
        if (isOperator && !operatorKey.Matches(request.OperatorKey))
            throw SignalingErrors.InvalidOperatorKey.Exception();

        var issued = issuer.Create(name, isOperator);
        try
        {
            await ledger.OpenAccountAsync(new OpenAccountRequest { AccountId = issued.AccountId, DisplayName = name }, cancellationToken: context.CancellationToken);
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            // Watching needs no wallet: a Ledger that is away must not keep viewers out.
            Log.AccountNotOpened(log, issued.AccountId, exception);
        }

        return new CreateGuestResponse
        {
            AccountId = issued.AccountId,
            Channel = issued.Channel,
            AccessToken = issued.AccessToken,
            RefreshToken = issued.RefreshToken,
            ExpiresAt = issued.ExpiresAt.ToTimestamp(),
        };
    }

    [AllowAnonymous]
    public override async Task<RefreshTokensResponse> RefreshTokens(RefreshTokensRequest request, ServerCallContext context)
    {
        RequireGuests();
        var issued = await issuer.RefreshAsync(request.RefreshToken) ?? throw SignalingErrors.InvalidRefreshToken.Exception();
        return new RefreshTokensResponse
        {
            AccountId = issued.AccountId,
            Channel = issued.Channel,
            AccessToken = issued.AccessToken,
            RefreshToken = issued.RefreshToken,
            ExpiresAt = issued.ExpiresAt.ToTimestamp(),
        };
    }

    [Authorize]
    public override Task<GetIceServersResponse> GetIceServers(GetIceServersRequest request, ServerCallContext context)
    {
        var response = new GetIceServersResponse();
        if (options.Value.StunUrls.Count > 0)
            response.IceServers.Add(new IceServer { Urls = { options.Value.StunUrls } });
        if (options.Value.TurnUrls.Count > 0)
        {
            // The time-limited credentials of the TURN REST API, as coturn checks them with use-auth-secret.
            var until = clock.GetUtcNow().AddSeconds(options.Value.TurnCredentialSeconds).ToUnixTimeSeconds();
            var username = string.Create(CultureInfo.InvariantCulture, $"{until}:{Caller.Of(context).AccountId}");
#pragma warning disable CA5350 // the TURN REST API is defined with HMAC-SHA-1
            var credential = Convert.ToBase64String(HMACSHA1.HashData(Encoding.UTF8.GetBytes(options.Value.TurnSecret), Encoding.UTF8.GetBytes(username)));
#pragma warning restore CA5350
            response.IceServers.Add(new IceServer { Urls = { options.Value.TurnUrls }, Username = username, Credential = credential });
        }

        return Task.FromResult(response);
    }

    private void RequireGuests()
    {
        if (auth.Value.Authority.Length > 0)
            throw SignalingErrors.GuestsDisabled.Exception();
    }
}
