using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using Beacon.Contracts.Signaling.V1;
using Beacon.Testing;

namespace Beacon.Scenarios;

/// <summary>An upgrade: every process of the cluster is stopped in good order and started again, one after the other, while people watch and pay.</summary>
[Collection(nameof(DistributedFixture))]
public sealed class RollingRestartScenarios(DistributedFixture beacon) : IAsyncLifetime
{
    private const int Viewers = 8;

    private const double NoticedMs = 3_000;

    /// <summary>As docs/operations.md says.</summary>
    private static readonly string[] Order = ["ledger", "topology-1", "topology-2", "raids-1", "raids-2", "signaling-1", "signaling-2"];

    public ValueTask InitializeAsync()
    {
        Assert.SkipWhen(beacon.Missing is not null, beacon.Missing ?? "");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Every_viewer_plays_on_and_no_call_fails_but_to_be_repeated()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await NodePeers.BuildAsync(cancellation);
        var url = beacon.Server.Http.GetLeftPart(UriPartial.Authority);
        await using var root = NodePeers.Start("root", url, "--children=2");
        var streamId = (await root.HearAsync(cancellation))["streamId"]!.GetValue<string>();
        await using var viewers = NodePeers.Start("viewers", url, streamId, $"--peers={Viewers}", "--uplink=1");
        await viewers.HearAsync(cancellation);
        await FedAsync(viewers, before: null);

        using var load = await RequestLoad.StartAsync(beacon, streamId);
        foreach (var name in Order)
        {
            var service = beacon.Server.Services[name];
            var before = await FedAsync(viewers, before: null);
            await viewers.AskAsync("forget", cancellation);
            await root.AskAsync("forget", cancellation);
            var began = TimeProvider.System.GetTimestamp();
            Assert.Equal(0, await service.StopAsync());
            await service.StartAsync();
            // Everybody plays on, and everybody who was sent away is back: the work of the restarted process has found its way to it again.
            await load.AnsweredAsync();
            var stats = await FedAsync(viewers, before);
            // The aim is a second. On a machine that does much else it is a little more, and without a fault in Beacon never this long.
            var longest = stats.Max(BreakMs);
            // What the processes that measure stood still themselves is no break of the stream.
            var paused = Math.Max(await PausedMsAsync(viewers), await PausedMsAsync(root));
            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name}: away {TimeProvider.System.GetElapsedTime(began).TotalSeconds:F1} s, longest time without a picture {longest:F0} ms, of the measuring processes at most {paused:F0} ms; calls so far: {load}"));
            Assert.True(longest - paused < NoticedMs, string.Create(CultureInfo.InvariantCulture,
                $"{name}: {longest:F0} ms without a picture, the measuring processes stood still for at most {paused:F0} ms. All viewers: {string.Join(", ", stats.Select(viewer => $"{BreakMs(viewer):F0} ms"))}."));
        }

        await load.StopAsync();
        Assert.Empty(load.Final);
    }

    private static double BreakMs(JsonNode? viewer) => viewer!["longestBreakMs"]!.GetValue<double>();

    private static async Task<double> PausedMsAsync(NodePeers peers) =>
        (await peers.AskAsync("paused", TestContext.Current.CancellationToken))["ms"]!.GetValue<double>();

    /// <summary>Waits until every viewer has got more of the stream.</summary>
    private static async Task<JsonArray> FedAsync(NodePeers viewers, JsonArray? before)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        for (var i = 0; i < 240; i++)
        {
            var now = (await viewers.AskAsync("stats", TestContext.Current.CancellationToken)).AsArray();
            if (now.Select((viewer, index) => Chunks(viewer) > (before is null ? 0 : Chunks(before[index]))).All(isFed => isFed))
                return now;
            await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        throw new TimeoutException("After 60 s not every viewer gets the stream.");

        static long Chunks(JsonNode? viewer) => viewer!["chunks"]!.GetValue<long>();
    }

    /// <summary>Calls of all services, again and again; each is repeated until it succeeds, as clients do, and what it was told on the way is counted.</summary>
    private sealed class RequestLoad : IDisposable
    {
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
        private readonly CancellationTokenSource _stop = new();
        private readonly Lock _gate = new();
        private readonly Dictionary<string, int> _outcomes = new(StringComparer.Ordinal);
        private readonly List<string> _final = [];
        private readonly RestClient _rest;
        private readonly int[] _rounds = new int[4];
        private Task[] _loops = [];

        private RequestLoad(RestClient rest) => _rest = rest;

        /// <summary>Failures that say that it is no use to try again, or say nothing.</summary>
        public IReadOnlyList<string> Final
        {
            get
            {
                lock (_gate)
                    return [.. _final];
            }
        }

        public static async Task<RequestLoad> StartAsync(BeaconFixture beacon, string streamId)
        {
            var tipper = await beacon.RichGuestAsync("Tipper", 1_000_000);
            var viewer = await beacon.Rest.GuestAsync("Passing by");
            var load = new RequestLoad(new RestClient(beacon.Server.Http));
            load._loops =
            [
                load.RepeatAsync(0, () => load.CallAsync("wallet", rest => rest.GetAsync("/api/wallet", tipper))),
                load.RepeatAsync(1, () => load.CallAsync("streams", rest => rest.GetAsync("/api/streams"))),
                load.RepeatAsync(2, () =>
                {
                    var tip = new { streamId, amountMicrocredits = 1, transferId = Guid.CreateVersion7() };
                    return load.CallAsync("tip", rest => rest.PostAsync("/api/tip", tip, tipper));
                }),
                load.RepeatAsync(3, () => load.JoinAsync(beacon.Server.WebSocket, viewer, streamId)),
            ];
            return load;
        }

        /// <summary>Waits until a call of each kind that was made from now on has succeeded.</summary>
        public async Task AnsweredAsync()
        {
            var before = _rounds.Select(round => round + 2).ToArray();
            using var tick = new PeriodicTimer(Pause);
            for (var i = 0; before.Where((round, index) => Volatile.Read(ref _rounds[index]) < round).Any(); i++)
            {
                Assert.True(i < 600, $"After 60 s not every call is answered again: {this}");
                await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            }
        }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_loops);
        }

        public override string ToString()
        {
            lock (_gate)
                return string.Join(", ", _outcomes.OrderBy(outcome => outcome.Key, StringComparer.Ordinal).Select(outcome => $"{outcome.Key} {outcome.Value}"));
        }

        public void Dispose()
        {
            _stop.Cancel();
            _rest.Dispose();
            _stop.Dispose();
        }

        private async Task RepeatAsync(int kind, Func<Task> call)
        {
            using var tick = new PeriodicTimer(Pause);
            while (!_stop.IsCancellationRequested)
            {
                await call();
                Interlocked.Increment(ref _rounds[kind]);
                await tick.WaitForNextTickAsync(CancellationToken.None);
            }
        }

        private async Task CallAsync(string name, Func<RestClient, Task<RestAnswer>> call)
        {
            using var tick = new PeriodicTimer(Pause);
            while (true)
            {
                try
                {
                    var answer = await call(_rest);
                    if (answer.Status == 200)
                    {
                        Count($"{name} 200");
                        return;
                    }

                    if (!Failed($"{name} {answer.Status} {answer.Reason}", answer.IsRetryable, answer.Text))
                        return;
                }
                catch (HttpRequestException broken)
                {
                    // The connection ended before the answer: what HTTP has for "try again".
                    Failed($"{name} broken", isRetryable: true, broken.Message);
                }

                await tick.WaitForNextTickAsync(CancellationToken.None);
            }
        }

        private async Task JoinAsync(Uri address, Guest guest, string streamId)
        {
            using var tick = new PeriodicTimer(Pause);
            while (true)
            {
                try
                {
                    await using var socket = await FrameSocket.ConnectAsync(address, guest.AccessToken);
                    var answer = await socket.AskAsync(new ClientFrame { JoinStream = new JoinStream { StreamId = streamId, UplinkMbps = 0 } });
                    if (answer.StreamJoined is not null)
                    {
                        Count("join");
                        return;
                    }

                    if (!Failed($"join {answer.Error.Reason}", answer.Error.Retryable, answer.Error.Message))
                        return;
                }
                catch (Exception broken) when (broken is WebSocketException or InvalidOperationException)
                {
                    // As a browser: it reconnects.
                    Failed("join broken", isRetryable: true, broken.Message);
                }

                await tick.WaitForNextTickAsync(CancellationToken.None);
            }
        }

        private bool Failed(string outcome, bool isRetryable, string text)
        {
            Count(outcome);
            if (isRetryable)
                return true;
            lock (_gate)
                _final.Add($"{outcome}: {text}");
            return false;
        }

        private void Count(string outcome)
        {
            lock (_gate)
                _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;
        }
    }
}
