using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger;

/// <summary>The calls of the other services.</summary>
[Authorize(Policy = Authentication.ServicePolicy)]
internal sealed class LedgerAccountsGrpc(LedgerWriter writer) : Rpc.LedgerAccountsService.LedgerAccountsServiceBase
{
    public override async Task<Rpc.OpenAccountResponse> OpenAccount(Rpc.OpenAccountRequest request, ServerCallContext context)
    {
        var accountId = RequestChecks.AccountId(request.AccountId);
        var name = RequestChecks.DisplayName(request.DisplayName);
        var balance = await writer.ExecuteAsync(
            state =>
            {
                var wallet = state.Wallet(accountId, name);
                state.Rename(wallet, name);
                return wallet.Balance;
            },
            waitForRoom: false,
            context.CancellationToken);
        return new Rpc.OpenAccountResponse { BalanceMicrocredits = balance };
    }
}
