using Beacon.Ledger.Operations;
using Grpc.Core;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger;

/// <summary>The calls of sponsors.</summary>
internal sealed partial class LedgerGrpc
{
    public override async Task<Rpc.CreateSponsorshipResponse> CreateSponsorship(Rpc.CreateSponsorshipRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        var fund = new FundSponsorship(
            caller.AccountId,
            caller.Name,
            RequestChecks.TransferId(request.SponsorshipId),
            request.StreamId,
            RequestChecks.Amount(request.BudgetMicrocredits),
            RequestChecks.Rate(request.RateMicrocreditsPerViewerMinute),
            RequestChecks.Pace(request.MaxMicrocreditsPerHour, request.CampaignMinutes));
        var funded = await streams.ExecuteAsync(request.StreamId, fund.Decide, fund.SponsorshipId, context.CancellationToken);
        return new Rpc.CreateSponsorshipResponse { Sponsorship = SponsorshipReports.Map(funded.Made), BalanceMicrocredits = funded.Balance };
    }

    public override async Task<Rpc.TopUpSponsorshipResponse> TopUpSponsorship(Rpc.TopUpSponsorshipRequest request, ServerCallContext context)
    {
        var (caller, amount, transferId) = (CallerOf(context), RequestChecks.Amount(request.AmountMicrocredits), RequestChecks.TransferId(request.TransferId));
        // Whose it is comes first: that of another does not exist for the caller, also when it is over.
        var asked = await SponsorshipAsync(request.SponsorshipId, context);
        var posted = (await writer.ExecuteAsync(new TopUpSponsorship(caller.AccountId, Guid.Parse(asked.SponsorshipId), amount, transferId).Decide, waitForRoom: false, context.CancellationToken)).OrThrow();
        return new Rpc.TopUpSponsorshipResponse
        {
            Sponsorship = await SponsorshipAsync(request.SponsorshipId, context),
            BalanceMicrocredits = posted.Transfers[0].DebitBalance,
        };
    }

    public override async Task<Rpc.GetSponsorshipResponse> GetSponsorship(Rpc.GetSponsorshipRequest request, ServerCallContext context) =>
        new() { Sponsorship = await SponsorshipAsync(request.SponsorshipId, context) };

    public override Task<Rpc.ListSponsorshipsResponse> ListSponsorships(Rpc.ListSponsorshipsRequest request, ServerCallContext context) =>
        sponsorships.PageAsync(CallerOf(context).AccountId, request.PageSize, request.PageToken, context.CancellationToken);

    public override async Task<Rpc.GetDeliveryReportResponse> GetDeliveryReport(Rpc.GetDeliveryReportRequest request, ServerCallContext context) =>
        Guid.TryParseExact(request.SponsorshipId, "D", out var id)
        && await sponsorships.DeliveriesAsync(id, CallerOf(context).AccountId, request.PageSize, request.PageToken, context.CancellationToken) is { } report
            ? report
            : throw LedgerErrors.UnknownSponsorship.Exception();

    public override async Task<Rpc.EndSponsorshipResponse> EndSponsorship(Rpc.EndSponsorshipRequest request, ServerCallContext context)
    {
        if (Guid.TryParseExact(request.SponsorshipId, "D", out var id))
            (await writer.ExecuteAsync(new EndSponsorship(CallerOf(context).AccountId, id).Decide, waitForRoom: false, context.CancellationToken)).OrThrow();
        return new Rpc.EndSponsorshipResponse { Sponsorship = await SponsorshipAsync(request.SponsorshipId, context) };
    }

    private async Task<Rpc.Sponsorship> SponsorshipAsync(string sponsorshipId, ServerCallContext context) =>
        Guid.TryParseExact(sponsorshipId, "D", out var id) && await sponsorships.FindAsync(id, CallerOf(context).AccountId, context.CancellationToken) is { } found
            ? found
            : throw LedgerErrors.UnknownSponsorship.Exception();
}
