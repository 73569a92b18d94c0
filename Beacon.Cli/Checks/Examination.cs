using System.Net.WebSockets;
using Beacon.Contracts.Ledger.V1;
using Beacon.Contracts.Raids.V1;
using Beacon.Contracts.Signaling.V1;

namespace Beacon.Cli.Checks;

/// <summary>What a doctor was told of; null and empty = look elsewhere, or not at all.</summary>
internal sealed record Givens(string? Redis, string? Bus, IReadOnlyList<string> Turn);

/// <summary>The checks, in the order in which one explains the next.</summary>
internal static class Examination
{
    /// <summary>Tokens are taken with this much difference of clocks.</summary>
    private static readonly TimeSpan MostSkew = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static IEnumerable<Func<CancellationToken, Task<Finding>>> Of(CommandRun run, Givens given) =>
    [
        cancellation => AliveAsync(run, cancellation),
        cancellation => HealthAsync(run, cancellation),
        cancellation => DirectoryAsync(run, cancellation),
        cancellation => SocketAsync(run, cancellation),
        cancellation => ClockAsync(run, cancellation),
        cancellation => LedgerAsync(run, cancellation),
        _ => given.Redis is null ? Skipped("redis", "Name it with --redis.") : StoresCheck.RedisAsync(given.Redis),
        cancellation => given.Bus is null ? Skipped("broker", "Name it with --bus.") : StoresCheck.BrokerAsync(given.Bus, cancellation),
        cancellation => TurnAsync(run, given.Turn, cancellation),
    ];

    private static Task<Finding> Skipped(string name, string text) => Task.FromResult(new Finding(name, Verdict.Skipped, text));

    private static async Task<Finding> AliveAsync(CommandRun run, CancellationToken cancellation)
    {
        try
        {
            using var answer = await run.Api.Http.GetAsync("/alive", cancellation);
            return answer.IsSuccessStatusCode
                ? new Finding("process", Verdict.Right, $"{run.Api.Address} answers.")
                : new Finding("process", Verdict.Wrong, $"{run.Api.Address}alive answers {(int)answer.StatusCode}. Something else listens there, or a proxy does not know where Beacon is.");
        }
        catch (HttpRequestException exception)
        {
            return new Finding("process", Verdict.Wrong, $"{run.Api.Address} cannot be reached: {exception.Message}. Is it started, is the port open, is --url right?");
        }
    }

    private static async Task<Finding> HealthAsync(CommandRun run, CancellationToken cancellation)
    {
        try
        {
            using var answer = await run.Api.Http.GetAsync("/health", cancellation);
            var text = await answer.Content.ReadAsStringAsync(cancellation);
            if (!answer.IsSuccessStatusCode)
                return new Finding("health", Verdict.Wrong, $"{(int)answer.StatusCode} {text}. Its log says what it misses.");
            return text.Contains("Degraded", StringComparison.OrdinalIgnoreCase)
                ? new Finding("health", Verdict.Doubtful, $"{text}: it goes on without a store that it had. See docs/operations.md.")
                : new Finding("health", Verdict.Right, text);
        }
        catch (HttpRequestException exception)
        {
            return new Finding("health", Verdict.Wrong, exception.Message);
        }
    }

    private static Task<Finding> DirectoryAsync(CommandRun run, CancellationToken cancellation) => AskedAsync("gateway", async () =>
    {
        var found = await run.Api.AskAsync<ListStreamsResponse>("/api/streams?pageSize=200", cancellation);
        return new Finding("gateway", Verdict.Right, $"REST answers; {found.Streams.Count}{(found.NextPageToken.Length > 0 ? " and more" : "")} streams are live.");
    });

    /// <summary>A handshake without a token is taken and told so, which shows that everything between here and there lets WebSockets through.</summary>
    private static async Task<Finding> SocketAsync(CommandRun run, CancellationToken cancellation)
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("beacon.v1.json");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        var address = new UriBuilder(run.Api.Address) { Scheme = run.Api.Address.Scheme == Uri.UriSchemeHttps ? "wss" : "ws", Path = "/ws" }.Uri;
        try
        {
            await socket.ConnectAsync(address, patience.Token);
            var buffer = new byte[4_096];
            var received = await socket.ReceiveAsync(buffer, patience.Token);
            var text = System.Text.Encoding.UTF8.GetString(buffer, 0, received.Count);
            return text.Contains("missing_token", StringComparison.Ordinal)
                ? new Finding("websocket", Verdict.Right, $"{address} opens and speaks.")
                : new Finding("websocket", Verdict.Wrong, $"{address} opens and says something else than Beacon would: {text}");
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return new Finding("websocket", Verdict.Wrong, $"{address} does not open: {exception.Message} A proxy in between must forward Upgrade and Connection, and keep idle connections for minutes.");
        }
    }

    private static async Task<Finding> ClockAsync(CommandRun run, CancellationToken cancellation)
    {
        try
        {
            using var answer = await run.Api.Http.GetAsync("/alive", cancellation);
            if (answer.Headers.Date is not { } theirs)
                return new Finding("clock", Verdict.Skipped, "The answer has no date.");
            // The date has whole seconds.
            var skew = (run.Clock.GetUtcNow() - theirs).Duration();
            var text = $"{CommandRun.Number(skew.TotalSeconds)} s between this machine's clock and theirs.";
            return skew <= MostSkew
                ? new Finding("clock", Verdict.Right, text)
                : new Finding("clock", Verdict.Wrong, $"{text} Tokens are refused beyond {MostSkew.TotalSeconds} s: synchronise both with NTP.");
        }
        catch (HttpRequestException exception)
        {
            return new Finding("clock", Verdict.Wrong, exception.Message);
        }
    }

    private static Task<Finding> LedgerAsync(CommandRun run, CancellationToken cancellation) => !run.Api.HasCaller
        ? Skipped("ledger", "Needs BEACON_TOKEN or BEACON_OPERATOR_KEY.")
        : AskedAsync("ledger", async () =>
        {
            var totals = await run.Api.CallAsync<GetTotalsResponse>(HttpMethod.Get, "/api/operator/totals", null, cancellation);
            return totals.SumMicrocredits == 0
                ? new Finding("ledger", Verdict.Right, $"All balances add up to zero, at transfer {totals.AtTransfer}.")
                : new Finding("ledger", Verdict.Wrong, $"All balances add up to {CommandRun.Credits(totals.SumMicrocredits)} credits instead of zero. Stop it, keep the file, run `beacon ledger verify`.");
        });

    private static async Task<Finding> TurnAsync(CommandRun run, IReadOnlyList<string> given, CancellationToken cancellation)
    {
        if (given.Count > 0)
            return await StunCheck.OfAsync(given, cancellation);
        if (!run.Api.HasCaller)
            return await Skipped("turn", "Name servers with --turn, or set BEACON_TOKEN or BEACON_OPERATOR_KEY.");
        return await AskedAsync("turn", async () =>
        {
            var servers = await run.Api.CallAsync<GetIceServersResponse>(HttpMethod.Get, "/api/ice-servers", null, cancellation);
            var urls = servers.IceServers.SelectMany(server => server.Urls).ToList();
            return urls.Count == 0
                ? new Finding("turn", Verdict.Doubtful, "The installation names no STUN and no TURN server: viewers behind a NAT will not reach each other (Beacon:Signaling:StunUrls, TurnUrls).")
                : await StunCheck.OfAsync(urls, cancellation);
        });
    }

    private static async Task<Finding> AskedAsync(string name, Func<Task<Finding>> ask)
    {
        try
        {
            return await ask();
        }
        catch (RefusedException refused)
        {
            return new Finding(name, Verdict.Wrong, $"{refused.Reason}: {refused.Message}");
        }
        catch (HttpRequestException exception)
        {
            return new Finding(name, Verdict.Wrong, exception.Message);
        }
    }
}
