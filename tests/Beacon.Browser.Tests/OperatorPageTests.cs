using Beacon.Testing;
using Microsoft.Playwright;

namespace Beacon.Browser.Tests;

/// <summary>The operator's desk: all streams, one stream with its tree, and the ledger.</summary>
[Collection(nameof(Browsers))]
public sealed class OperatorPageTests(BrowserFixture fixture) : ConsoleTests(fixture)
{
    private const float PatienceMs = 30_000;

    [Theory]
    [MemberData(nameof(Screen.All), MemberType = typeof(Screen))]
    public async Task A_stream_is_found_and_its_tree_explains_itself(string size)
    {
        var screen = Screen.Named(size);
        var title = $"Observed {Guid.NewGuid():N}"[..30];
        var root = await GoLiveAsync(title);
        for (var i = 0; i < 12; i++)
            await JoinAsync(root.StreamId, uplinkMbps: 2 + i);

        var page = await VisitAsync("/operator", screen);
        await Assertions.Expect(page.GetByTestId("chart-depth")).ToBeVisibleAsync();
        await page.GetByTestId("operator-search").FillAsync(title);
        await page.GetByTestId("operator-stream").Filter(new() { HasText = title }).ClickAsync();
        await Assertions.Expect(page.GetByTestId("tree-viewers")).ToHaveTextAsync("12 ", new() { Timeout = PatienceMs });
        await Assertions.Expect(page.GetByTestId("tree-picture")).ToHaveAttributeAsync("data-peers", "13");

        // By the keys: the broadcaster, then its first child.
        await page.GetByTestId("tree-canvas").FocusAsync();
        await page.Keyboard.PressAsync("ArrowDown");
        await Assertions.Expect(page.GetByTestId("explanation")).ToContainTextAsync("The broadcaster");
        await page.Keyboard.PressAsync("ArrowDown");
        await Assertions.Expect(page.GetByTestId("peer-depth")).ToHaveTextAsync("1");
        await Assertions.Expect(page.GetByTestId("peer-reason")).ToContainTextAsync("Decided");
        await Assertions.Expect(page.GetByTestId("explanation").Locator("tbody tr").First).ToBeVisibleAsync();

        // By its id.
        var sought = Crowd[^1].PeerId;
        await page.GetByTestId("peer-search").FillAsync(sought[^8..]);
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByTestId("explanation").Locator("h2")).ToContainTextAsync(sought[^8..]);
        await AuditAsync(page, "operator-stream", screen);

        // As it happens.
        await JoinAsync(root.StreamId);
        await Assertions.Expect(page.GetByTestId("tree-viewers")).ToHaveTextAsync("13 ", new() { Timeout = PatienceMs });
        var gone = Crowd[^1];
        await gone.DisposeAsync();
        Crowd.Remove(gone);
        await Assertions.Expect(page.GetByTestId("tree-viewers")).ToHaveTextAsync("12 ", new() { Timeout = PatienceMs });
    }

    [Theory]
    [MemberData(nameof(Screen.All), MemberType = typeof(Screen))]
    public async Task An_operator_deposits_freezes_and_decides_about_payouts(string size)
    {
        var screen = Screen.Named(size);
        var customer = await Fixture.Rest.GuestAsync("Customer");
        var page = await VisitAsync("/operator", screen);
        await page.GetByTestId("operator-key").FillAsync("not the key");
        await page.GetByTestId("sign-in-button").ClickAsync();
        await Assertions.Expect(page.GetByTestId("error")).ToContainTextAsync("operator.key");
        await AuditAsync(page, "operator-sign-in", screen);
        await page.GetByTestId("operator-key").FillAsync(BeaconServer.OperatorKey);
        await page.GetByTestId("sign-in-button").ClickAsync();
        await Assertions.Expect(page.GetByTestId("ledger-sum")).ToHaveTextAsync("0 ", new() { Timeout = PatienceMs });

        await page.GetByTestId("deposit-account").FillAsync(customer.AccountId);
        await page.GetByTestId("deposit-amount").FillAsync("7");
        await page.GetByTestId("deposit").ClickAsync();
        await Assertions.Expect(page.GetByTestId("deposit-done")).ToContainTextAsync("7 credits now");
        Assert.Equal(7 * Credit, await Fixture.Rest.BalanceAsync(customer));

        await page.GetByTestId("freeze-account").FillAsync(customer.AccountId);
        await page.GetByTestId("look-up").ClickAsync();
        await Assertions.Expect(page.GetByTestId("account-state")).ToHaveTextAsync("free");
        await page.GetByTestId("freeze-note").FillAsync("asked by its owner");
        await page.GetByTestId("freeze").ClickAsync();
        await Assertions.Expect(page.GetByTestId("account-state")).ToHaveTextAsync("frozen");
        Assert.Equal("account_frozen", (await WithdrawAsync(customer, 1)).Reason);
        await page.GetByTestId("freeze").ClickAsync();
        await Assertions.Expect(page.GetByTestId("account-state")).ToHaveTextAsync("free");

        Assert.Equal(200, (await WithdrawAsync(customer, 2)).Status);
        Assert.Equal(200, (await WithdrawAsync(customer, 3)).Status);
        var rows = page.GetByTestId("payouts").Locator("tr", new() { HasText = customer.AccountId });
        await Assertions.Expect(rows).ToHaveCountAsync(2, new() { Timeout = PatienceMs });
        await AuditAsync(page, "operator", screen);
        await rows.Filter(new() { HasText = "2" }).First.GetByTestId("post-withdrawal").ClickAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(1, new() { Timeout = PatienceMs });
        await rows.GetByTestId("void-withdrawal").ClickAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(0, new() { Timeout = PatienceMs });
        var states = (await Fixture.Rest.GetAsync("/api/withdrawals", customer)).Body.GetProperty("withdrawals").EnumerateArray()
            .ToDictionary(one => one.GetProperty("amountMicrocredits").GetString()!, one => one.GetProperty("state").GetString(), StringComparer.Ordinal);
        // Paid out the one, refused the other; which is which stands in the row that was pressed.
        Assert.Equal(["WITHDRAWAL_STATE_POSTED", "WITHDRAWAL_STATE_VOIDED"], states.Values.Order(StringComparer.Ordinal));
    }

    private Task<RestAnswer> WithdrawAsync(Guest customer, long credits) =>
        Fixture.Rest.PostAsync("/api/withdrawals", new { withdrawalId = Guid.NewGuid(), amountMicrocredits = credits * Credit }, customer);
}
