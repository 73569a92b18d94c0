using Beacon.Contracts.Ledger.V1;
using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;
using Beacon.Signaling.Calls;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using SignalingServiceBase = Beacon.Contracts.Signaling.V1.SignalingService.SignalingServiceBase;

namespace Beacon.Signaling.Identity;

/// <summary>Guest accounts and ICE servers.</summary>
internal sealed class SignalingGrpc(
    GuestIssuer issuer,
    GuestRates rates,
    OperatorKey operatorKey,
    SocketTickets socketTickets,
    Revocations revocations,
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
        // Before anything else: this is also where somebody would guess operator keys.
        var http = context.GetHttpContext();
        var reading = rates.Rates.Take(http.Connection.RemoteIpAddress);
        RateHeaders.Append(http.Response, "guests", reading);
        if (!reading.IsTaken)
            throw SignalingErrors.TooManyGuests.Exception();
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
    public override async Task<CreateSocketTicketResponse> CreateSocketTicket(CreateSocketTicketRequest request, ServerCallContext context)
    {
        var token = await context.GetHttpContext().GetTokenAsync("access_token") ?? throw CommonErrors.MissingToken.Exception();
        var (ticket, expires) = await socketTickets.IssueAsync(token);
        return new CreateSocketTicketResponse { Ticket = ticket, ExpiresAt = expires.ToTimestamp() };
    }

    [Authorize]
    public override async Task<RevokeTokensResponse> RevokeTokens(RevokeTokensRequest request, ServerCallContext context)
    {
        if (!Caller.Of(context).Has(Scopes.Operator))
            throw CommonErrors.MissingScope.Exception();
        (RevocationKind Kind, string Id)[] asked =
            [(RevocationKind.Account, request.AccountId), (RevocationKind.Token, request.TokenId), (RevocationKind.SignIn, request.SessionId)];
        if (asked.Where(one => one.Id.Length > 0).ToList() is not [{ Id.Length: <= 128 } revoked])
            throw SignalingErrors.InvalidRevocation.Exception();
        await revocations.RevokeAsync(revoked.Kind, revoked.Id);
        return new RevokeTokensResponse();
    }

    [Authorize]
    public override Task<GetIceServersResponse> GetIceServers(GetIceServersRequest request, ServerCallContext context)
    {
        var response = new GetIceServersResponse();
        if (options.Value.StunUrls.Count > 0)
            response.IceServers.Add(new IceServer { Urls = { options.Value.StunUrls } });
        if (options.Value.TurnUrls.Count > 0)
        {
            var turn = TurnCredentials.For(Caller.Of(context).AccountId, clock.GetUtcNow().AddSeconds(options.Value.TurnCredentialSeconds), options.Value.TurnSecret);
            response.IceServers.Add(new IceServer { Urls = { options.Value.TurnUrls }, Username = turn.Username, Credential = turn.Credential });
        }

        return Task.FromResult(response);
    }

    private void RequireGuests()
    {
        if (auth.Value.Authority.Length > 0)
            throw SignalingErrors.GuestsDisabled.Exception();
    }
}
