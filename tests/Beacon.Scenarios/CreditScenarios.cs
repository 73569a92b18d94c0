using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;
using Microsoft.Data.Sqlite;

namespace Beacon.Scenarios;

/// <summary>Earning, tipping and sponsoring.</summary>
public abstract class CreditScenarios(BeaconFixture beacon) : Scenario(beacon)
{
    [Fact]
    public async Task Relays_are_paid_from_their_childrens_receipts_and_nobody_for_a_claim()
    {
        var (relayGuest, leafGuest, liarGuest) = (await Rest.GuestAsync("Relay"), await Rest.GuestAsync("Leaf"), await Rest.GuestAsync("Liar"));
        var sponsor = await RichGuestAsync("Sponsor", 100 * Credit);
        var broadcaster = await Rest.GuestAsync("Root");
        await using var root = await SyntheticPeer.BroadcastAsync(Server, broadcaster, maxChildren: 1);
        await using var relay = await SyntheticPeer.WatchAsync(Server, relayGuest, root.StreamId);
        await relay.ParentAsync();
        await using var leaf = await SyntheticPeer.WatchAsync(Server, leafGuest, root.StreamId, uplinkMbps: 0);
        Assert.Equal(relay.PeerId, (await leaf.ParentAsync()).ParentPeerId);
        await using var liar = await SyntheticPeer.WatchAsync(Server, liarGuest, root.StreamId, uplinkMbps: 100);
        await liar.ParentAsync();
        var funded = await Rest.PostAsync("/api/sponsorships", new { sponsorshipId = Guid.NewGuid(), streamId = root.StreamId, budgetMicrocredits = 10 * Credit, rateMicrocreditsPerViewerMinute = 60_000 }, sponsor);
        Assert.Equal(200, funded.Status);

        var paid = relay.Socket.WaitAsync(frame => frame.WalletUpdate is { Code: "relay", AmountMicrocredits: > 0 }, "relay pay");
        var sponsored = root.Socket.WaitAsync(frame => frame.WalletUpdate is { Code: "sponsorship", AmountMicrocredits: > 0 }, "the broadcaster's share");
        await StreamUntilAsync(Task.WhenAll(paid, sponsored), root, relay, leaf, liar);

        // 800 kbit/s to each of two children (the leaf and the liar) for one window of 10 s is 0.008 credits a child.
        var amount = (await paid).WalletUpdate.AmountMicrocredits;
        Assert.InRange(amount, 1, 2 * 8_000);
        Assert.Equal(0, await Rest.BalanceAsync(leafGuest));
        Assert.Equal(0, await Rest.BalanceAsync(liarGuest));
        // The broadcaster serves a child as well, but it is the source and no relay: it has the sponsor's money and no other.
        var booked = (await Rest.GetAsync("/api/wallet/transfers", broadcaster)).Body.GetProperty("transfers").EnumerateArray().ToList();
        Assert.NotEmpty(booked);
        Assert.All(booked, transfer => Assert.Equal("TRANSFER_CODE_SPONSORSHIP", transfer.GetProperty("code").GetString()));
        Assert.Equal(90 * Credit, await Rest.BalanceAsync(sponsor));
        Assert.Equal(0, SumOfAllAccounts());
    }

    [Fact]
    public async Task A_tip_is_split_over_the_squad_to_the_micro_credit()
    {
        var tipper = await RichGuestAsync("Tipper", 5 * Credit);
        var (host, guest1, guest2) = (await Rest.GuestAsync("Host"), await Rest.GuestAsync("Guest one"), await Rest.GuestAsync("Guest two"));
        await using var root = await SyntheticPeer.BroadcastAsync(Server, host);
        var squad = await Rest.PutAsync($"/api/streams/{root.StreamId}/squad", new
        {
            members = new[] { new { accountId = host.AccountId, shareBps = 3_334 }, new { accountId = guest1.AccountId, shareBps = 3_333 }, new { accountId = guest2.AccountId, shareBps = 3_333 } },
        }, host);
        Assert.Equal(200, squad.Status);

        var transferId = Guid.NewGuid();
        var tip = new { streamId = root.StreamId, amountMicrocredits = 1_000_001, transferId };
        var first = await Rest.PostAsync("/api/tip", tip, tipper);
        var again = await Rest.PostAsync("/api/tip", tip, tipper);

        Assert.Equal(200, first.Status);
        Assert.Equal(first.Text, again.Text);
        var shares = new[] { await Rest.BalanceAsync(host), await Rest.BalanceAsync(guest1), await Rest.BalanceAsync(guest2) };
        Assert.Equal(1_000_001, shares.Sum());
        Assert.Equal(333_400, shares[0], 1.0);
        Assert.Equal(333_300, shares[1], 1.0);
        Assert.Equal(333_300, shares[2], 1.0);
        Assert.Equal(5 * Credit - 1_000_001, await Rest.BalanceAsync(tipper));
        var received = (await root.Socket.WaitAsync(ServerFrame.FrameOneofCase.TipReceived)).TipReceived;
        Assert.Equal(1_000_001, received.AmountMicrocredits);
        Assert.Equal("Tipper", received.FromName);
        Assert.Equal(0, SumOfAllAccounts());
    }

    [Fact]
    public async Task What_a_sponsorship_did_not_spend_goes_back_when_the_stream_ends()
    {
        var sponsor = await RichGuestAsync("Sponsor", 3 * Credit);
        var host = await Rest.GuestAsync("Host");
        await using var root = await SyntheticPeer.BroadcastAsync(Server, host);
        await using var watching = await FrameSocket.ConnectAsync(Server.WebSocket, sponsor.AccessToken);
        var funded = await Rest.PostAsync("/api/sponsorships", new { sponsorshipId = Guid.NewGuid(), streamId = root.StreamId, budgetMicrocredits = Credit, rateMicrocreditsPerViewerMinute = 1_000 }, sponsor);
        Assert.Equal(2 * Credit, funded.Amount("balanceMicrocredits"));

        Assert.Equal(200, (await Rest.PostAsync($"/api/streams/{root.StreamId}/end", new { raidTarget = "none" }, host)).Status);

        var refund = await watching.WaitAsync(frame => frame.WalletUpdate is { Code: "refund" }, "the refund");
        Assert.Equal(3 * Credit, refund.WalletUpdate.BalanceMicrocredits);
        Assert.Equal(3 * Credit, await Rest.BalanceAsync(sponsor));
    }

    /// <summary>Plays a stream of 800 kbit/s: everybody reports every two seconds, the liar claims and the children answer challenges.</summary>
    private static async Task StreamUntilAsync(Task done, SyntheticPeer root, SyntheticPeer relay, SyntheticPeer leaf, SyntheticPeer liar)
    {
        var challenges = new Dictionary<string, Challenge>(StringComparer.Ordinal);
        using var tick = new PeriodicTimer(TimeSpan.FromSeconds(2));
        ulong bytes = 0;
        for (uint round = 1; !done.IsCompleted && round <= 25; round++)
        {
            bytes += 200_000;
            await root.AnnounceAsync(round);
            foreach (var peer in new[] { relay, leaf, liar })
            {
                while (peer.Socket.Count(ServerFrame.FrameOneofCase.Challenge) > 0)
                    challenges[peer.PeerId] = (await peer.Socket.WaitAsync(ServerFrame.FrameOneofCase.Challenge)).Challenge;
            }

            await root.ReportAsync(new MetricsReport { LatencyMs = 1, UploadMbps = 0.8, Claims = { new RelayClaim { ChildPeerId = relay.PeerId, Bytes = bytes } } });
            await relay.ReportAsync(Report(relay, root.PeerId, claims: [leaf.PeerId, liar.PeerId]));
            await leaf.ReportAsync(Report(leaf, relay.PeerId));
            await liar.ReportAsync(Report(liar, relay.PeerId, claims: [leaf.PeerId, relay.PeerId], uploadMbps: 100));
            await Task.WhenAny(done, tick.WaitForNextTickAsync(TestContext.Current.CancellationToken).AsTask());
        }

        await done;

        MetricsReport Report(SyntheticPeer peer, string parent, string[]? claims = null, double uploadMbps = 0.8)
        {
            var report = new MetricsReport { LatencyMs = 5, UploadMbps = uploadMbps, BufferMs = 300, Receipts = { new Receipt { ParentPeerId = parent, Bytes = bytes, Chunks = bytes / 10_000 } } };
            foreach (var child in claims ?? [])
                report.Claims.Add(new RelayClaim { ChildPeerId = child, Bytes = bytes });
            if (challenges.TryGetValue(peer.PeerId, out var challenge))
                report.Answer = peer.Answer(challenge);
            return report;
        }
    }

    /// <summary>Read beside the running server, as an auditor would.</summary>
    private long SumOfAllAccounts()
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(Server.DataDirectory, "ledger.db")};Mode=ReadOnly");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT sum(balance) FROM balances";
        return (long)command.ExecuteScalar()!;
    }
}
