using System.Text.Json;
using System.Text.RegularExpressions;
using Beacon.Browser.Tests;
using Beacon.Testing;
using Microsoft.Playwright;

namespace Beacon.Deploy.Tests;

/// <summary>The four services in containers, with a real Redis and a real RabbitMQ: what an operator gets from docker-compose.yml.</summary>
public sealed partial class ComposeTests(ComposeProject stack) : IClassFixture<ComposeProject>, IAsyncLifetime
{
    private static readonly string[] AsksForQueues = ["deploy/grafana/dashboards/brokers.json", "deploy/prometheus/alerts.yml"];
    private static readonly string[] Beacons = ["topology", "ledger", "raids", "signaling"];

    public ValueTask InitializeAsync()
    {
        Assert.SkipWhen(stack.Missing is not null, stack.Missing ?? "");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Every_service_runs_healthy_without_privileges_within_limits_and_on_loopback()
    {
        foreach (var service in ComposeProject.Services)
        {
            var container = await stack.InspectAsync(service);
            var host = container.GetProperty("HostConfig");
            Assert.Equal("running healthy", await stack.StateAsync(service));
            Assert.Equal(0, container.GetProperty("RestartCount").GetInt32());
            Assert.True(host.GetProperty("Memory").GetInt64() > 0, service);
            Assert.True(host.GetProperty("PidsLimit").GetInt64() > 0, service);
            foreach (var published in container.GetProperty("NetworkSettings").GetProperty("Ports").EnumerateObject().Where(port => port.Value.ValueKind == JsonValueKind.Array))
                Assert.All(published.Value.EnumerateArray(), binding => Assert.Equal("127.0.0.1", binding.GetProperty("HostIp").GetString()));
            if (!Beacons.Contains(service))
                continue;
            Assert.Equal("1654:1654", container.GetProperty("Config").GetProperty("User").GetString());
            Assert.True(host.GetProperty("ReadonlyRootfs").GetBoolean(), service);
            Assert.Equal(["ALL"], Texts(host.GetProperty("CapDrop")));
            Assert.Contains("no-new-privileges:true", Texts(host.GetProperty("SecurityOpt")));
        }

        // Each container is told what is for it, and no more.
        Assert.DoesNotContain(Texts((await stack.InspectAsync("redis")).GetProperty("Config").GetProperty("Env")), variable => variable.StartsWith("Beacon__", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_broker_shows_what_dashboards_and_alerts_ask_it_for()
    {
        // Its image has a shell, and no program that fetches.
        const string fetch = @"exec 3<>/dev/tcp/127.0.0.1/15692; printf 'GET /metrics/detailed?family=queue_coarse_metrics HTTP/1.0\r\n\r\n' >&3; cat <&3";
        var scrape = await stack.ComposeAsync(["exec", "-T", "rabbitmq", "bash", "-c", fetch]);
        var asked = AsksForQueues
            .SelectMany(file => RabbitMetric().Matches(Repository.Read(file)).Select(match => match.Value)).Distinct(StringComparer.Ordinal).ToList();

        Assert.NotEmpty(asked);
        Assert.All(asked, metric => Assert.Contains($"\n{metric}{{", scrape, StringComparison.Ordinal));
        // By queue, as the dashboard's variable has it.
        Assert.Contains("queue=\"ledger-", scrape, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_swarm_joins_signals_reports_tips_and_heals()
    {
        var report = await SwarmAsync("--viewers", "40", "--signals", "5", "--reports", "2", "--tips", "40", "--orphans", "5");

        Assert.Equal(40, report.GetProperty("join_ops").GetInt32());
        Assert.Equal(200, report.GetProperty("signal_ops").GetInt32());
        // Who gets another parent in the middle of it has sent some to the former one.
        Assert.InRange(report.GetProperty("signal_refused").GetInt32(), 0, 20);
        Assert.Equal(40, report.GetProperty("tip_ops").GetInt32());
        Assert.True(report.GetProperty("heal_orphans").GetInt32() > 0, report.ToString());
        Assert.Equal(0, report.GetProperty("heal_unplaced").GetInt32());
        Assert.Equal(0, report.GetProperty("closed_by_server").GetInt32());
        await TheLedgerAddsUpToZeroAsync();
    }

    [Fact]
    public async Task Browsers_see_each_others_picture_and_tip_for_it()
    {
        Assert.SkipWhen(BrowserFixture.Missing is not null, BrowserFixture.Missing ?? "");
        using var rest = new RestClient(stack.Http);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = BrowserFixture.Chromium, Args = BrowserFixture.Arguments });

        var root = await OpenAsync(browser, "Broadcaster", "/live?source=pattern&title=Composed&bitrate=500&maxChildren=1&width=320&height=180&fps=15&uplink=20&autostart=1&name=Broadcaster");
        var live = await root.StatsAsync();
        var first = await OpenAsync(browser, "First", $"/watch/{live.StreamId}?uplink=5&autostart=1&name=First");
        var fed = await first.SeesTheLivePictureAsync();
        var second = await OpenAsync(browser, "Second", $"/watch/{live.StreamId}?uplink=5&autostart=1&name=Second");
        var relayed = await second.SeesTheLivePictureAsync();

        Assert.Equal(live.PeerId, fed.ParentPeerId);
        Assert.Equal(fed.PeerId, relayed.ParentPeerId);

        var tipper = await second.GuestAsync();
        var paid = await rest.PostAsync("/api/deposits", new { accountId = tipper.AccountId, amountMicrocredits = 5_000_000, transferId = Guid.CreateVersion7() }, await OperatorAsync(rest));
        Assert.True(paid.Status == 200, paid.Text);
        await second.Page.GetByTestId("tip-amount").FillAsync("2");
        await second.Page.GetByTestId("tip-send").ClickAsync();
        await second.Page.GetByTestId("tip-result").WaitForAsync();
        Assert.Equal(2_000_000, await rest.BalanceAsync(await root.GuestAsync()));
        Assert.Equal(3_000_000, await rest.BalanceAsync(tipper));
    }

    [Fact]
    public async Task While_the_broker_is_away_the_services_stay_in_service_and_say_so()
    {
        using var rest = new RestClient(stack.Http);
        var guest = await WithWalletAsync(rest, "Patient");
        var banker = await OperatorAsync(rest);
        await HealthAsync(rest, "Healthy");

        await stack.ComposeAsync(["kill", "rabbitmq"]);
        try
        {
            await HealthAsync(rest, "Degraded");
            var paid = await rest.PostAsync("/api/deposits", new { accountId = guest.AccountId, amountMicrocredits = 1_000_000, transferId = Guid.CreateVersion7() }, banker);
            Assert.True(paid.Status == 200, paid.Text);
            foreach (var service in Beacons)
                Assert.Equal("running healthy", await stack.StateAsync(service));
        }
        finally
        {
            // The other tests need it.
            await stack.StartAsync(["rabbitmq"]);
            await stack.HealthyAsync(["rabbitmq"]);
        }

        await HealthAsync(rest, "Healthy");
        Assert.Equal(1_000_000, await rest.BalanceAsync(guest));
    }

    /// <summary>A power cut, after which the services come back before what they need.</summary>
    [Fact]
    public async Task After_a_power_cut_the_services_wait_for_their_stores_and_have_lost_no_credit()
    {
        Guest guest;
        using (var rest = new RestClient(stack.Http))
        {
            guest = await WithWalletAsync(rest, "Saver");
            var paid = await rest.PostAsync("/api/deposits", new { accountId = guest.AccountId, amountMicrocredits = 7_000_000, transferId = Guid.CreateVersion7() }, await OperatorAsync(rest));
            Assert.True(paid.Status == 200, paid.Text);
        }

        await stack.ComposeAsync(["kill"]);
        await stack.StartAsync(Beacons);

        foreach (var service in new[] { "topology", "raids", "signaling" })
            await SaysAsync(service, "Waiting for Redis at ");
        foreach (var service in Beacons)
            Assert.Matches("^running (starting|unhealthy)$", await stack.StateAsync(service));

        await stack.StartAsync(["redis", "rabbitmq"]);
        await stack.HealthyAsync(ComposeProject.Services);
        foreach (var service in Beacons)
            Assert.Equal(0, (await stack.InspectAsync(service)).GetProperty("RestartCount").GetInt32());
        await stack.FindAddressAsync();
        using (var rest = new RestClient(stack.Http))
            Assert.Equal(7_000_000, await rest.BalanceAsync(guest));
        var report = await SwarmAsync("--viewers", "10", "--phases", "connect,join");
        Assert.Equal(10, report.GetProperty("join_ops").GetInt32());
    }

    private async Task<JsonElement> SwarmAsync(params string[] arguments)
    {
        var swarm = Testing.Repository.AssemblyOf("bench/Beacon.Swarm", "Beacon.Swarm");
        var output = await ProgramRun.MustAsync("dotnet", [swarm, "live", "--url", stack.Http.ToString(), "--operator-key", stack.OperatorKey, "--warm-up", "0", .. arguments]);
        return JsonDocument.Parse(output).RootElement;
    }

    private async Task TheLedgerAddsUpToZeroAsync()
    {
        using var rest = new RestClient(stack.Http);
        var totals = await rest.GetAsync("/api/operator/totals", await OperatorAsync(rest));
        Assert.Equal(200, totals.Status);
        Assert.Equal(0, totals.Amount("sumMicrocredits"));
    }

    /// <summary>A sign-in does not wait long for the Ledger, whose first answer after a start may be late; a look into the wallet opens it too.</summary>
    private static async Task<Guest> WithWalletAsync(RestClient rest, string name)
    {
        var guest = await rest.GuestAsync(name);
        Assert.Equal(0, await rest.BalanceAsync(guest));
        return guest;
    }

    private async Task<Guest> OperatorAsync(RestClient rest) => await rest.GuestAsync("Operator", stack.OperatorKey);

    private async Task<PeerPage> OpenAsync(IBrowser browser, string name, string path)
    {
        // A profile of its own is an account of its own; without the permissions Chromium hides loopback candidates.
        var context = await browser.NewContextAsync(new BrowserNewContextOptions { Permissions = ["camera", "microphone"] });
        var page = await context.NewPageAsync();
        var peer = new PeerPage(name, page);
        await page.GotoAsync(new Uri(stack.Http, path).ToString());
        await peer.WaitAsync(stats => stats.StreamId.Length > 0 && stats.PeerId.Length > 0, "its stream");
        return peer;
    }

    /// <summary>Waits until Signaling says so of itself; it must be in service all the while.</summary>
    private static async Task HealthAsync(RestClient rest, string text)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        var began = TimeProvider.System.GetTimestamp();
        for (var answer = await rest.GetAsync("/health"); answer.Text != text; answer = await rest.GetAsync("/health"))
        {
            Assert.Equal(200, answer.Status);
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(2), $"/health still says {answer.Text}, and not {text}");
            await tick.WaitForNextTickAsync();
        }
    }

    private async Task SaysAsync(string service, string text)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        var began = TimeProvider.System.GetTimestamp();
        var log = "";
        do
        {
            if (TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromMinutes(1))
                throw new TimeoutException($"{service} did not say \"{text}\" within a minute:\n{log}");
            await tick.WaitForNextTickAsync();
            log = await stack.ComposeAsync(["logs", "--no-color", "--tail", "40", service]);
        }
        while (!log.Contains(text, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Texts(JsonElement list) => list.EnumerateArray().Select(text => text.GetString()!);

    [GeneratedRegex(@"\brabbitmq_[a-z_]+\b")]
    private static partial Regex RabbitMetric();
}
