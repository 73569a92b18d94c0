using Beacon.Ledger.Journal;
using Beacon.ServiceDefaults;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger;

/// <summary>What an operator asks about the ledger's file.</summary>
[Authorize]
internal sealed class LedgerBackupsGrpc(Backups backups) : Rpc.LedgerBackupsService.LedgerBackupsServiceBase
{
    public override async Task<Rpc.CreateBackupResponse> CreateBackup(Rpc.CreateBackupRequest request, ServerCallContext context)
    {
        if (!Caller.Of(context).Has(Scopes.Operator))
            throw LedgerErrors.OperatorOnly.Exception();
        var backup = await backups.MakeAsync(context.CancellationToken);
        return new Rpc.CreateBackupResponse
        {
            Name = backup.Name,
            Bytes = backup.Bytes,
            MadeAt = Timestamp.FromDateTimeOffset(backup.MadeAt),
            Accounts = backup.Proof.Accounts,
            Transfers = backup.Proof.Transfers,
            Head = backup.Proof.Head,
        };
    }
}
