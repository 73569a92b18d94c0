using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;
using Microsoft.EntityFrameworkCore;
using Rpc = Beacon.Contracts.Ledger.V1;

namespace Beacon.Ledger;

/// <summary>Reads of sponsorships. That of another sponsor does not exist for the caller.</summary>
internal sealed class SponsorshipReports(IDbContextFactory<LedgerDb> databases)
{
    public async Task<Rpc.Sponsorship?> FindAsync(Guid sponsorshipId, string sponsorAccountId, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        return await RowAsync(database, sponsorshipId, sponsorAccountId, cancellationToken) is { } row ? Map(row) : null;
    }

    /// <summary>The sponsorships of a sponsor, newest first.</summary>
    public async Task<Rpc.ListSponsorshipsResponse> PageAsync(string sponsorAccountId, uint pageSize, string pageToken, CancellationToken cancellationToken)
    {
        var list = $"sponsorships:{sponsorAccountId}";
        var size = PageToken.Size(pageSize);
        var before = PageToken.Read(pageToken, list) ?? long.MaxValue;
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var found = await database.Sponsorships.AsNoTracking()
            .Where(row => row.Sponsor == sponsorAccountId && row.Number < before)
            .OrderByDescending(row => row.Number).Take(size + 1).ToListAsync(cancellationToken);
        var page = new Rpc.ListSponsorshipsResponse { Sponsorships = { found.Take(size).Select(Map) } };
        if (found.Count > size)
            page.NextPageToken = PageToken.Write(list, found[size - 1].Number);
        return page;
    }

    /// <summary>What a sponsorship got, in all and hour by hour, newest first; null when the sponsor has none of this id.</summary>
    public async Task<Rpc.GetDeliveryReportResponse?> DeliveriesAsync(
        Guid sponsorshipId, string sponsorAccountId, uint pageSize, string pageToken, CancellationToken cancellationToken)
    {
        var list = $"deliveries:{sponsorshipId}";
        var size = PageToken.Size(pageSize);
        var before = PageToken.Read(pageToken, list) ?? long.MaxValue;
        var id = sponsorshipId.ToByteArray(bigEndian: true);
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        if (await RowAsync(database, sponsorshipId, sponsorAccountId, cancellationToken) is not { } row)
            return null;
        var hours = await database.Deliveries.AsNoTracking()
            .Where(delivery => delivery.SponsorshipId == id && delivery.Hour < before)
            .OrderByDescending(delivery => delivery.Hour).Take(size + 1).ToListAsync(cancellationToken);
        var report = new Rpc.GetDeliveryReportResponse
        {
            Sponsorship = Map(row),
            Total = new Rpc.Delivery { ViewerMs = row.ViewerMs, SpentMicrocredits = row.Spent, ToRelaysMicrocredits = row.ToRelays },
            Hours =
            {
                hours.Take(size).Select(hour => new Rpc.Delivery
                {
                    ViewerMs = hour.ViewerMs,
                    SpentMicrocredits = hour.Spent,
                    ToRelaysMicrocredits = hour.ToRelays,
                    Hour = Statements.Time(hour.Hour * Sponsorship.HourMs),
                }),
            },
        };
        if (hours.Count > size)
            report.NextPageToken = PageToken.Write(list, hours[size - 1].Hour);
        return report;
    }

    public static Rpc.Sponsorship Map(Sponsorship sponsorship) => new()
    {
        SponsorshipId = sponsorship.Id.ToString(),
        StreamId = sponsorship.StreamId,
        BudgetMicrocredits = sponsorship.Budget,
        SpentMicrocredits = sponsorship.Spent,
        RateMicrocreditsPerViewerMinute = sponsorship.Rate,
        State = (Rpc.SponsorshipState)sponsorship.State,
        CreatedAt = Statements.Time(sponsorship.CreatedAtMs),
        MaxMicrocreditsPerHour = sponsorship.Pace.MaxPerHour,
        CampaignMinutes = (uint)(sponsorship.Pace.CampaignMs / 60_000),
    };

    private static Rpc.Sponsorship Map(SponsorshipRow row) => Map(new Sponsorship(
        new Guid(row.SponsorshipId, bigEndian: true),
        row.StreamId,
        row.Sponsor,
        row.Budget,
        row.Rate,
        (SponsorshipState)row.State,
        row.CreatedAtMs,
        new Pace(row.MaxPerHour, row.CampaignMs),
        new Delivery(row.ViewerMs, row.Spent, row.ToRelays)));

    private static Task<SponsorshipRow?> RowAsync(LedgerDb database, Guid sponsorshipId, string sponsorAccountId, CancellationToken cancellationToken)
    {
        var id = sponsorshipId.ToByteArray(bigEndian: true);
        return database.Sponsorships.AsNoTracking().SingleOrDefaultAsync(row => row.SponsorshipId == id && row.Sponsor == sponsorAccountId, cancellationToken);
    }
}
