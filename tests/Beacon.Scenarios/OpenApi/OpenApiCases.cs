using Beacon.Testing;

namespace Beacon.Scenarios.OpenApi;

/// <summary>One call of an operation: who makes it, with what.</summary>
/// <param name="Token">The access token, or null for none.</param>
/// <param name="Body">What becomes JSON, or a text that is sent as it is.</param>
/// <param name="Parameters">Those of the path and of the query, by the document's names.</param>
internal sealed record OpenApiCall(string? Token, object? Body, params (string Name, string Value)[] Parameters);

/// <summary>How an operation succeeds, and in which ways of its own it fails.</summary>
internal sealed record OpenApiCase(
    Func<OpenApiFixture, Task<OpenApiCall>> Valid, params (string Reason, Func<OpenApiFixture, Task<OpenApiCall>> Make)[] Invalid)
{
    /// <summary>Takes back what the valid call did to everybody.</summary>
    public Func<OpenApiFixture, Task>? After { get; init; }
}

/// <summary>A case for every operation of the document. What all have in common (tokens, broken JSON) is tried for each without a line here.</summary>
internal static class OpenApiCases
{
    private const long Credit = 1_000_000;
    private static readonly string Nowhere = Guid.Empty.ToString();

    public static Dictionary<string, OpenApiCase> All { get; } = new Dictionary<string, OpenApiCase>(StringComparer.Ordinal)
    {
        ["Signaling_CreateGuest"] = new(
            _ => Anybody(new { name = "Ada" }),
            ("invalid_name", _ => Anybody(new { name = " " })),
            ("invalid_operator_key", _ => Anybody(new { name = "Ada", operatorKey = "not the operator key" }))),
        ["Signaling_RefreshTokens"] = new(
            async world => await Anybody(new { refreshToken = (await world.GuestAsync()).RefreshToken }),
            ("invalid_refresh_token", async world => await Anybody(new { refreshToken = (await world.GuestAsync()).AccessToken }))),
        ["Signaling_CreateSocketTicket"] = new(world => Guest(world, new { })),
        ["Signaling_RevokeTokens"] = new(
            async world => await Operator(world, new { accountId = (await world.GuestAsync()).AccountId }),
            ("missing_scope", world => Guest(world, new { accountId = "somebody" })),
            ("invalid_revocation", world => Operator(world, new { })),
            ("invalid_revocation", world => Operator(world, new { accountId = "somebody", tokenId = "another" }))),
        ["Signaling_GetIceServers"] = new(world => Guest(world)),
        ["SignalingOperator_StartDrain"] = new(
            // So slowly that nobody is sent away before it is stopped again.
            world => Operator(world, new { seconds = 3_600 }),
            ("missing_scope", world => Guest(world, new { })),
            ("invalid_drain", world => Operator(world, new { seconds = 3_601 })))
        {
            After = async world => await world.Rest.SendAsync(HttpMethod.Delete, "/api/operator/drain", null, (await world.OperatorAsync()).AccessToken),
        },
        ["SignalingOperator_GetDrain"] = new(world => Operator(world), ("missing_scope", world => Guest(world))),
        ["SignalingOperator_StopDrain"] = new(world => Operator(world), ("missing_scope", world => Guest(world))),

        ["Topology_GetStream"] = new(
            async world => await Anybody(null, ("streamId", (await world.LiveAsync()).Root.StreamId)),
            ("unknown_stream", _ => Anybody(null, ("streamId", Nowhere)))),
        ["Topology_GetTree"] = new(
            async world =>
            {
                var (_, root) = await world.LiveAsync();
                await world.ViewerAsync(root.StreamId);
                return await Anybody(null, ("streamId", root.StreamId));
            },
            ("unknown_stream", _ => Anybody(null, ("streamId", Nowhere))),
            ("invalid_page_size", async world => await Anybody(null, ("streamId", (await world.LiveAsync()).Root.StreamId), ("pageSize", "10001"))),
            ("invalid_page_token", async world => await Anybody(null, ("streamId", (await world.LiveAsync()).Root.StreamId), ("pageToken", "forged"))),
            ("invalid_stripe", async world => await Anybody(null, ("streamId", (await world.LiveAsync()).Root.StreamId), ("stripe", "200")))),
        ["Topology_WatchTree"] = new(
            async world => await Anybody(null, ("streamId", (await world.LiveAsync()).Root.StreamId)),
            ("unknown_stream", _ => Anybody(null, ("streamId", Nowhere))),
            ("invalid_stripe", async world => await Anybody(null, ("streamId", (await world.LiveAsync()).Root.StreamId), ("stripe", "200")))),
        ["Topology_ExplainPeer"] = new(
            async world =>
            {
                var (_, root) = await world.LiveAsync();
                var (_, viewer) = await world.ViewerAsync(root.StreamId);
                return await Anybody(null, ("streamId", root.StreamId), ("peerId", viewer.PeerId));
            },
            ("unknown_stream", _ => Anybody(null, ("streamId", Nowhere), ("peerId", "nobody"))),
            ("unknown_peer", async world => await Anybody(null, ("streamId", (await world.LiveAsync()).Root.StreamId), ("peerId", "nobody")))),

        ["Raids_ListStreams"] = new(
            async world =>
            {
                await world.LiveAsync();
                return await Anybody(null, ("pageSize", "5"));
            },
            ("invalid_page_size", _ => Anybody(null, ("pageSize", "201"))),
            ("invalid_page_token", _ => Anybody(null, ("pageToken", "forged"))),
            ("invalid_search", _ => Anybody(null, ("query", new string('x', 101))))),
        ["Raids_WatchStreams"] = new(
            async world =>
            {
                await world.LiveAsync();
                return await Anybody(null);
            },
            ("invalid_search", _ => Anybody(null, ("query", new string('x', 101))))),
        ["Raids_EndStream"] = new(
            async world => await Broadcaster(world, new { raidTarget = "none" }),
            ("unknown_stream", world => Guest(world, new { }, ("streamId", Nowhere))),
            ("not_your_stream", async world => await Guest(world, new { raidTarget = "none" }, ("streamId", (await world.LiveAsync()).Root.StreamId))),
            ("unknown_raid_target", world => Broadcaster(world, new { raidTarget = Nowhere })),
            ("invalid_countdown", world => Broadcaster(world, new { raidTarget = "none", countdownSeconds = 301 }))),
        ["Raids_HandOverStream"] = new(
            async world =>
            {
                var (host, root) = await world.LiveAsync();
                var (heir, peer) = await world.ViewerAsync(root.StreamId);
                await SquadAsync(world, host, root.StreamId, heir);
                return new OpenApiCall(heir.AccessToken, new { peerId = peer.PeerId, uplinkMbps = 10 }, ("streamId", root.StreamId));
            },
            ("unknown_stream", world => Guest(world, new { peerId = "nobody" }, ("streamId", Nowhere))),
            ("not_in_squad", async world => await Guest(world, new { peerId = "nobody" }, ("streamId", (await world.LiveAsync()).Root.StreamId)))),
        ["Raids_StartRaid"] = new(
            async world => (await RaidAsync(world)).Call,
            ("unknown_stream", world => Guest(world, new { fromStreamId = Nowhere })),
            ("not_your_stream", async world => await Guest(world, new { fromStreamId = (await world.LiveAsync()).Root.StreamId })),
            ("raid_to_itself", async world =>
            {
                var (host, root) = await world.LiveAsync();
                return new OpenApiCall(host.AccessToken, new { fromStreamId = root.StreamId, targetStreamId = root.StreamId });
            })),
        ["Raids_CancelRaid"] = new(
            async world =>
            {
                var (host, raidId) = await StartedRaidAsync(world);
                return new OpenApiCall(host.AccessToken, null, ("raidId", raidId));
            },
            ("unknown_raid", world => Guest(world, null, ("raidId", Nowhere))),
            ("not_your_stream", async world => await Guest(world, null, ("raidId", (await StartedRaidAsync(world)).RaidId)))),
        ["Raids_GetRaid"] = new(
            async world => await Anybody(null, ("raidId", (await StartedRaidAsync(world)).RaidId)),
            ("unknown_raid", _ => Anybody(null, ("raidId", Nowhere)))),
        ["Raids_ListRaids"] = new(
            async world => await Anybody(null, ("channel", (await StartedRaidAsync(world)).Host.Channel)),
            ("unknown_channel", _ => Anybody(null, ("channel", new string('c', 129)))),
            ("invalid_page_size", async world => await Anybody(null, ("channel", (await world.LiveAsync()).Host.Channel), ("pageSize", "101"))),
            ("invalid_page_token", async world => await Anybody(null, ("channel", (await world.LiveAsync()).Host.Channel), ("pageToken", "forged")))),
        ["Raids_GetChannel"] = new(
            async world => await Anybody(null, ("channel", (await world.LiveAsync()).Host.Channel)),
            ("unknown_channel", _ => Anybody(null, ("channel", "never-live")))),
        ["Raids_GetChannelSettings"] = new(
            async world =>
            {
                var owner = await world.GuestAsync();
                return new OpenApiCall(owner.AccessToken, null, ("channel", owner.Channel));
            },
            ("not_your_channel", world => Guest(world, null, ("channel", "anothers")))),
        ["Raids_UpdateChannelSettings"] = new(
            world => Channel(world, new { tags = new[] { "music" }, language = "en" }),
            ("not_your_channel", world => Guest(world, new { }, ("channel", "anothers"))),
            ("invalid_channel_settings", world => Channel(world, new { tags = new[] { "no spaces here" } }))),

        ["Ledger_GetWallet"] = new(world => Guest(world)),
        ["Ledger_ListTransfers"] = Pages(world => world.RichAsync()),
        ["Ledger_GetTransfer"] = new(
            async world =>
            {
                var (tipper, transferId) = await TipAsync(world);
                return new OpenApiCall(tipper.AccessToken, null, ("transferId", transferId));
            },
            ("unknown_transfer", world => Guest(world, null, ("transferId", Nowhere)))),
        ["Ledger_GetBalance"] = new(
            world => Guest(world),
            ("not_your_account", world => Guest(world, null, ("accountId", "anothers"))),
            ("unknown_account", world => Operator(world, null, ("accountId", "nobodys"))),
            ("invalid_moment", world => Guest(world, null, ("atUnixMs", "1"), ("atTransfer", "1")))),
        ["Ledger_GetStatement"] = Pages(
            world => world.RichAsync(),
            ("not_your_account", world => Guest(world, null, ("accountId", "anothers"))),
            ("unknown_account", world => Operator(world, null, ("accountId", "nobodys"))),
            ("invalid_moment", world => Guest(world, null, ("fromUnixMs", "1"), ("fromTransfer", "1")))),
        ["Ledger_Tip"] = new(
            async world => (await TipCallAsync(world)).Call,
            ("invalid_amount", world => Guest(world, new { streamId = Nowhere, amountMicrocredits = "0", transferId = Guid.NewGuid() })),
            ("invalid_transfer_id", world => Guest(world, new { streamId = Nowhere, amountMicrocredits = "1", transferId = "mine" })),
            ("unknown_stream", world => Guest(world, new { streamId = Guid.NewGuid(), amountMicrocredits = "1", transferId = Guid.NewGuid() })),
            ("insufficient_credits", async world => await Guest(world, new { streamId = (await world.LiveAsync()).Root.StreamId, amountMicrocredits = "1", transferId = Guid.NewGuid() })),
            ("exists_with_different_amount", async world =>
            {
                var (tipper, transferId) = await TipAsync(world);
                return new OpenApiCall(tipper.AccessToken, new { streamId = (await world.LiveAsync()).Root.StreamId, amountMicrocredits = "2", transferId });
            }),
            ("squad_changed", async world => await Guest(world, new { streamId = (await world.LiveAsync()).Root.StreamId, amountMicrocredits = "1", transferId = Guid.NewGuid(), squadVersion = 99 })),
            ("self_tip", async world =>
            {
                var (host, root) = await world.LiveAsync();
                return new OpenApiCall(host.AccessToken, new { streamId = root.StreamId, amountMicrocredits = "1", transferId = Guid.NewGuid() });
            }),
            ("account_frozen", async world =>
            {
                var (tipper, call) = await TipCallAsync(world);
                await world.DoneAsync("/api/operator/account/freeze", new { accountId = tipper.AccountId }, await world.OperatorAsync());
                return call;
            })),
        ["Ledger_ListTips"] = Pages(async world => (await TipAsync(world)).Tipper),
        ["Ledger_SetSquad"] = new(
            async world =>
            {
                var (host, root) = await world.LiveAsync();
                return new OpenApiCall(host.AccessToken, Shares((host, 4_000), (await world.GuestAsync(), 6_000)), ("streamId", root.StreamId));
            },
            ("unknown_stream", async world =>
            {
                var guest = await world.GuestAsync();
                return new OpenApiCall(guest.AccessToken, Shares((guest, 10_000)), ("streamId", Nowhere));
            }),
            ("not_your_stream", async world =>
            {
                var guest = await world.GuestAsync();
                return new OpenApiCall(guest.AccessToken, Shares((guest, 10_000)), ("streamId", (await world.LiveAsync()).Root.StreamId));
            }),
            ("shares_must_add_up", world => Squad(world, host => Shares((host, 9_999)))),
            ("duplicate_member", world => Squad(world, host => Shares((host, 5_000), (host, 5_000)))),
            ("squad_too_large", world => Squad(world, host => new { members = Enumerable.Range(0, 17).Select(index => new { accountId = $"{host.AccountId}{index}", shareBps = 1 }) })),
            ("unknown_account", world => Squad(world, host => new { members = new[] { new { accountId = "nobodys", shareBps = 10_000 } } }))),
        ["Ledger_GetSquad"] = new(
            async world => await Guest(world, null, ("streamId", (await world.LiveAsync()).Root.StreamId)),
            ("unknown_stream", world => Guest(world, null, ("streamId", Nowhere)))),
        ["Ledger_Deposit"] = new(
            async world => await Operator(world, new { accountId = (await world.GuestAsync()).AccountId, amountMicrocredits = "1", transferId = Guid.NewGuid() }),
            ("operator_only", world => Guest(world, new { accountId = "somebody", amountMicrocredits = "1", transferId = Guid.NewGuid() })),
            ("invalid_amount", world => Operator(world, new { accountId = "somebody", amountMicrocredits = "1000000000001", transferId = Guid.NewGuid() })),
            ("invalid_transfer_id", world => Operator(world, new { accountId = "somebody", amountMicrocredits = "1", transferId = "" })),
            ("unknown_account", world => Operator(world, new { accountId = "nobodys", amountMicrocredits = "1", transferId = Guid.NewGuid() }))),
        ["Ledger_RequestWithdrawal"] = new(
            async world => new OpenApiCall((await world.RichAsync()).AccessToken, new { withdrawalId = Guid.NewGuid(), amountMicrocredits = "1" }),
            ("invalid_amount", world => Guest(world, new { withdrawalId = Guid.NewGuid(), amountMicrocredits = "0" })),
            ("invalid_transfer_id", world => Guest(world, new { withdrawalId = "mine", amountMicrocredits = "1" })),
            ("insufficient_credits", world => Guest(world, new { withdrawalId = Guid.NewGuid(), amountMicrocredits = "1" }))),
        ["Ledger_GetWithdrawal"] = new(
            async world =>
            {
                var (rich, withdrawalId) = await WithdrawalAsync(world);
                return new OpenApiCall(rich.AccessToken, null, ("withdrawalId", withdrawalId));
            },
            ("unknown_withdrawal", world => Guest(world, null, ("withdrawalId", Nowhere)))),
        ["Ledger_ListWithdrawals"] = Pages(async world => (await WithdrawalAsync(world)).Rich),
        ["Ledger_CreateSponsorship"] = new(
            async world => (await SponsorshipCallAsync(world)).Call,
            ("invalid_amount", world => Sponsor(world, budget: "0")),
            ("invalid_pace", world => Sponsor(world, campaignMinutes: 525_601)),
            ("invalid_transfer_id", world => Sponsor(world, id: "mine")),
            ("unknown_stream", world => Sponsor(world, streamId: Guid.NewGuid().ToString())),
            ("insufficient_credits", async world => await Sponsor(world, streamId: (await world.LiveAsync()).Root.StreamId))),
        ["Ledger_TopUpSponsorship"] = new(
            async world =>
            {
                var (rich, id) = await SponsorshipAsync(world);
                return new OpenApiCall(rich.AccessToken, new { transferId = Guid.NewGuid(), amountMicrocredits = "1" }, ("sponsorshipId", id));
            },
            ("unknown_sponsorship", world => Guest(world, new { transferId = Guid.NewGuid(), amountMicrocredits = "1" }, ("sponsorshipId", Nowhere))),
            ("sponsorship_over", async world =>
            {
                var (rich, id) = await SponsorshipAsync(world);
                await world.DoneAsync($"/api/sponsorships/{id}/end", new { }, rich);
                return new OpenApiCall(rich.AccessToken, new { transferId = Guid.NewGuid(), amountMicrocredits = "1" }, ("sponsorshipId", id));
            })),
        ["Ledger_GetSponsorship"] = new(
            world => MySponsorship(world),
            ("unknown_sponsorship", world => Guest(world, null, ("sponsorshipId", Nowhere)))),
        ["Ledger_ListSponsorships"] = Pages(async world => (await SponsorshipAsync(world)).Rich),
        ["Ledger_GetDeliveryReport"] = new(
            world => MySponsorship(world),
            ("unknown_sponsorship", world => Guest(world, null, ("sponsorshipId", Nowhere))),
            ("invalid_page_size", async world => (await MySponsorship(world)).With(("pageSize", "201"))),
            ("invalid_page_token", async world => (await MySponsorship(world)).With(("pageToken", "forged")))),
        ["Ledger_EndSponsorship"] = new(
            async world => await MySponsorship(world) with { Body = new { } },
            ("unknown_sponsorship", world => Guest(world, new { }, ("sponsorshipId", Nowhere)))),

        ["LedgerOperator_GetTotals"] = new(world => Operator(world), ("operator_only", world => Guest(world))),
        ["LedgerOperator_GetAccount"] = new(
            async world => await Operator(world, null, ("accountId", (await world.GuestAsync()).AccountId)),
            ("operator_only", world => Guest(world, null, ("accountId", "somebody"))),
            ("unknown_account", world => Operator(world, null, ("accountId", "nobodys")))),
        ["LedgerOperator_FreezeAccount"] = Freeze(),
        ["LedgerOperator_UnfreezeAccount"] = Freeze(),
        ["LedgerOperator_ListAllWithdrawals"] = Pages(
            async world =>
            {
                await WithdrawalAsync(world);
                return await world.OperatorAsync();
            },
            ("operator_only", world => Guest(world))),
        ["LedgerOperator_PostWithdrawal"] = Decide("post", "pending_already_posted"),
        ["LedgerOperator_VoidWithdrawal"] = Decide("void", "pending_already_voided"),
        ["LedgerOperator_ListRefusedWork"] = Pages(world => world.OperatorAsync(), ("operator_only", world => Guest(world))),
        ["LedgerBackups_CreateBackup"] = new(world => Operator(world, new { }), ("operator_only", world => Guest(world, new { }))),
    };

    private static Task<OpenApiCall> Anybody(object? body, params (string, string)[] parameters) => Task.FromResult(new OpenApiCall(null, body, parameters));

    private static async Task<OpenApiCall> Guest(OpenApiFixture world, object? body = null, params (string, string)[] parameters) =>
        new((await world.GuestAsync()).AccessToken, body, parameters);

    private static async Task<OpenApiCall> Operator(OpenApiFixture world, object? body = null, params (string, string)[] parameters) =>
        new((await world.OperatorAsync()).AccessToken, body, parameters);

    /// <summary>By the broadcaster of a stream, about it.</summary>
    private static async Task<OpenApiCall> Broadcaster(OpenApiFixture world, object body)
    {
        var (host, root) = await world.LiveAsync();
        return new OpenApiCall(host.AccessToken, body, ("streamId", root.StreamId));
    }

    private static async Task<OpenApiCall> Squad(OpenApiFixture world, Func<Guest, object> body)
    {
        var (host, root) = await world.LiveAsync();
        return new OpenApiCall(host.AccessToken, body(host), ("streamId", root.StreamId));
    }

    /// <summary>By the owner of a channel, about it.</summary>
    private static async Task<OpenApiCall> Channel(OpenApiFixture world, object body)
    {
        var owner = await world.GuestAsync();
        return new OpenApiCall(owner.AccessToken, body, ("channel", owner.Channel));
    }

    private static OpenApiCall With(this OpenApiCall call, (string, string) parameter) => call with { Parameters = [.. call.Parameters, parameter] };

    /// <summary>A list in pages.</summary>
    private static OpenApiCase Pages(Func<OpenApiFixture, Task<Guest>> caller, params (string Reason, Func<OpenApiFixture, Task<OpenApiCall>> Make)[] others)
    {
        return new OpenApiCase(
            world => Of(world, ("pageSize", "5")),
            [("invalid_page_size", world => Of(world, ("pageSize", "201"))), ("invalid_page_token", world => Of(world, ("pageToken", "forged"))), .. others]);

        async Task<OpenApiCall> Of(OpenApiFixture world, (string, string) parameter) => new((await caller(world)).AccessToken, null, parameter);
    }

    private static OpenApiCase Freeze() => new(
        async world => await Operator(world, new { accountId = (await world.GuestAsync()).AccountId, note = "Why" }),
        ("operator_only", world => Guest(world, new { accountId = "somebody" })),
        ("unknown_account", world => Operator(world, new { accountId = "nobodys" })),
        ("invalid_note", async world => await Operator(world, new { accountId = (await world.GuestAsync()).AccountId, note = new string('x', 201) })));

    /// <summary>An operator's answer to a withdrawal.</summary>
    private static OpenApiCase Decide(string verb, string secondTime)
    {
        return new OpenApiCase(
            async world => await Operator(world, new { transferId = Guid.NewGuid() }, ("withdrawalId", (await WithdrawalAsync(world)).WithdrawalId)),
            ("operator_only", world => Guest(world, new { transferId = Guid.NewGuid() }, ("withdrawalId", Nowhere))),
            ("invalid_transfer_id", world => Operator(world, new { transferId = "mine" }, ("withdrawalId", Nowhere))),
            ("unknown_withdrawal", world => Operator(world, new { transferId = Guid.NewGuid() }, ("withdrawalId", Guid.NewGuid().ToString()))),
            (secondTime, async world =>
            {
                var (_, withdrawalId) = await WithdrawalAsync(world);
                await world.DoneAsync($"/api/operator/withdrawals/{withdrawalId}/{verb}", new { transferId = Guid.NewGuid() }, await world.OperatorAsync());
                return await Operator(world, new { transferId = Guid.NewGuid() }, ("withdrawalId", withdrawalId));
            }));
    }

    private static object Shares(params (Guest Member, int ShareBps)[] members) =>
        new { members = members.Select(member => new { accountId = member.Member.AccountId, shareBps = member.ShareBps }) };

    private static async Task SquadAsync(OpenApiFixture world, Guest host, string streamId, Guest other)
    {
        var answer = await world.Rest.PutAsync($"/api/streams/{streamId}/squad", Shares((host, 5_000), (other, 5_000)), host);
        Assert.Equal(200, answer.Status);
    }

    private static async Task<(Guest Host, OpenApiCall Call)> RaidAsync(OpenApiFixture world)
    {
        var (_, target) = await world.LiveAsync();
        var (host, root) = await world.LiveAsync();
        return (host, new OpenApiCall(host.AccessToken, new { fromStreamId = root.StreamId, targetStreamId = target.StreamId, countdownSeconds = 300 }));
    }

    private static async Task<(Guest Host, string RaidId)> StartedRaidAsync(OpenApiFixture world)
    {
        var (host, call) = await RaidAsync(world);
        var raid = await world.DoneAsync("/api/raids", call.Body!, host);
        return (host, raid.Body.GetProperty("raid").GetProperty("raidId").GetString()!);
    }

    private static async Task<(Guest Tipper, OpenApiCall Call)> TipCallAsync(OpenApiFixture world)
    {
        var tipper = await world.RichAsync();
        return (tipper, new OpenApiCall(tipper.AccessToken, new { streamId = (await world.LiveAsync()).Root.StreamId, amountMicrocredits = "1", transferId = Guid.NewGuid() }));
    }

    private static async Task<(Guest Tipper, string TransferId)> TipAsync(OpenApiFixture world)
    {
        var (tipper, call) = await TipCallAsync(world);
        var tip = await world.DoneAsync("/api/tip", call.Body!, tipper);
        return (tipper, tip.Body.GetProperty("transferId").GetString()!);
    }

    private static async Task<(Guest Rich, string WithdrawalId)> WithdrawalAsync(OpenApiFixture world)
    {
        var rich = await world.RichAsync();
        var withdrawalId = Guid.NewGuid().ToString();
        await world.DoneAsync("/api/withdrawals", new { withdrawalId, amountMicrocredits = $"{Credit}" }, rich);
        return (rich, withdrawalId);
    }

    private static Task<OpenApiCall> Sponsor(OpenApiFixture world, string? id = null, string? streamId = null, string budget = "1000", int campaignMinutes = 0) => Guest(
        world,
        new { sponsorshipId = id ?? Guid.NewGuid().ToString(), streamId = streamId ?? Nowhere, budgetMicrocredits = budget, rateMicrocreditsPerViewerMinute = "10", campaignMinutes });

    private static async Task<(Guest Rich, OpenApiCall Call, string Id)> SponsorshipCallAsync(OpenApiFixture world)
    {
        var rich = await world.RichAsync();
        var id = Guid.NewGuid().ToString();
        var stream = (await world.LiveAsync()).Root.StreamId;
        return (rich, new OpenApiCall(rich.AccessToken, new { sponsorshipId = id, streamId = stream, budgetMicrocredits = "1000", rateMicrocreditsPerViewerMinute = "10" }), id);
    }

    private static async Task<(Guest Rich, string Id)> SponsorshipAsync(OpenApiFixture world)
    {
        var (rich, call, id) = await SponsorshipCallAsync(world);
        await world.DoneAsync("/api/sponsorships", call.Body!, rich);
        return (rich, id);
    }

    private static async Task<OpenApiCall> MySponsorship(OpenApiFixture world)
    {
        var (rich, id) = await SponsorshipAsync(world);
        return new OpenApiCall(rich.AccessToken, null, ("sponsorshipId", id));
    }
}
