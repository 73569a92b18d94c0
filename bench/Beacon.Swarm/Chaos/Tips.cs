using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Beacon.Testing;

namespace Beacon.Swarm.Chaos;

/// <summary>What the tips of a while came to, by the statements of those who gave them.</summary>
/// <param name="LostMicrocredits">Acknowledged, and in no statement.</param>
/// <param name="DoubledMicrocredits">Debited beyond what was asked for.</param>
internal sealed record TipAudit(int Acknowledged, long LostMicrocredits, long DoubledMicrocredits, long SumMicrocredits, TimeSpan LongestWait);

/// <summary>People who tip one after the other; a tip without an answer is sent again under its id, as every client has to.</summary>
internal sealed class Tips : IAsyncDisposable
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly RestClient _rest;
    private readonly Guest _operator;
    private readonly Tipper[] _tippers;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _lives;
    private volatile TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _underWay;

    private Tips(RestClient rest, Guest banker, Tipper[] tippers, string[] streamIds)
    {
        (_rest, _operator, _tippers) = (rest, banker, tippers);
        _open.SetResult();
        _lives = [.. tippers.Select((tipper, index) => TipAsync(tipper, streamIds[index % streamIds.Length]))];
    }

    /// <summary>Errors that a repetition does not help against; there must be none.</summary>
    public ConcurrentQueue<string> Refusals { get; } = new();

    public static async Task<Tips> StartAsync(RestClient rest, string operatorKey, int tippers, string[] streamIds)
    {
        var banker = await rest.GuestAsync("Banker", operatorKey);
        var guests = new Tipper[tippers];
        for (var index = 0; index < tippers; index++)
        {
            var guest = await rest.GuestAsync($"Tipper {index}");
            var deposit = await rest.PostAsync("/api/deposits", new { accountId = guest.AccountId, amountMicrocredits = 1_000_000_000_000, transferId = Guid.CreateVersion7() }, banker);
            if (deposit.Status != 200)
                throw new InvalidOperationException($"No deposit: {deposit.Text}");
            guests[index] = new Tipper(guest, 1_000_000 + index);
        }

        return new Tips(rest, banker, guests, streamIds);
    }

    /// <summary>Waits until every tip is answered, and looks what has become of those since the last audit.</summary>
    public async Task<TipAudit> AuditAsync(CancellationToken cancellation)
    {
        _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20)))
        {
            while (Volatile.Read(ref _underWay) > 0)
                await tick.WaitForNextTickAsync(cancellation);
        }

        var (count, lost, doubled, longest) = (0, 0L, 0L, TimeSpan.Zero);
        foreach (var tipper in _tippers)
        {
            var debited = await DebitsAsync(tipper);
            foreach (var id in tipper.Acknowledged)
                lost += debited.ContainsKey(id) ? 0 : tipper.AmountMicrocredits;
            doubled += debited.Values.Sum(amount => Math.Max(0, amount - tipper.AmountMicrocredits))
                + debited.Where(debit => !tipper.Acknowledged.Contains(debit.Key)).Sum(debit => debit.Value);
            count += tipper.Acknowledged.Count;
            longest = tipper.LongestWait > longest ? tipper.LongestWait : longest;
            tipper.Acknowledged.Clear();
            tipper.LongestWait = TimeSpan.Zero;
        }

        var totals = await ReadAsync("/api/operator/totals", _operator);
        _open.SetResult();
        return new TipAudit(count, lost, doubled, totals.Amount("sumMicrocredits"), longest);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _open.TrySetResult();
        await Task.WhenAll(_lives);
        _stop.Dispose();
    }

    private async Task TipAsync(Tipper tipper, string streamId)
    {
        await Task.Yield();
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                await _open.Task;
                Interlocked.Increment(ref _underWay);
                try
                {
                    if (_open.Task.IsCompleted)
                        await TipOnceAsync(tipper, streamId, Guid.CreateVersion7());
                }
                finally
                {
                    Interlocked.Decrement(ref _underWay);
                }

                await Task.Delay(Between, TimeProvider.System, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The end of it.
        }
    }

    private async Task TipOnceAsync(Tipper tipper, string streamId, Guid id)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                var answer = await _rest.PostAsync("/api/tip", new { streamId, amountMicrocredits = tipper.AmountMicrocredits, transferId = id }, tipper.Guest).WaitAsync(AnswerTime, _stop.Token);
                if (answer.Status == 200)
                {
                    tipper.Acknowledged.Add(id.ToString());
                    var waited = Stopwatch.GetElapsedTime(began);
                    tipper.LongestWait = waited > tipper.LongestWait ? waited : tipper.LongestWait;
                    return;
                }

                if (answer.Status is < 500 and not 429)
                {
                    Refusals.Enqueue($"{answer.Status} {answer.Reason}");
                    return;
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or TimeoutException or IOException)
            {
                // No answer: it may be booked or not.
            }

            await Task.Delay(Between, TimeProvider.System, _stop.Token);
        }
    }

    /// <summary>What a tipper paid since the last time, by request.</summary>
    private async Task<Dictionary<string, long>> DebitsAsync(Tipper tipper)
    {
        var debits = new Dictionary<string, long>(StringComparer.Ordinal);
        var (page, from, until) = ("", tipper.AuditedTransfer, 0L);
        do
        {
            var answer = await ReadAsync($"/api/statement?fromTransfer={from}&pageSize=200&pageToken={Uri.EscapeDataString(page)}", tipper.Guest);
            if (answer.Body.TryGetProperty("entries", out var entries))
            {
                foreach (var entry in entries.EnumerateArray())
                    Add(entry);
            }

            page = answer.Body.TryGetProperty("nextPageToken", out var next) ? next.GetString()! : "";
            until = answer.Amount("toTransfer");
        }
        while (page.Length > 0);
        tipper.AuditedTransfer = until;
        return debits;

        void Add(JsonElement entry)
        {
            var change = long.Parse(entry.GetProperty("changeMicrocredits").GetString()!, CultureInfo.InvariantCulture);
            var request = entry.GetProperty("transfer").GetProperty("requestId").GetString()!;
            if (change < 0)
                debits[request] = debits.GetValueOrDefault(request) - change;
        }
    }

    /// <summary>Asks until there is an answer: a fault is over before a connection that it broke is found out.</summary>
    private async Task<RestAnswer> ReadAsync(string path, Guest caller)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var said = "";
            try
            {
                var answer = await _rest.GetAsync(path, caller).WaitAsync(AnswerTime, _stop.Token);
                if (answer.Status == 200)
                    return answer;
                said = answer.Text;
            }
            catch (Exception exception) when (exception is HttpRequestException or TimeoutException or IOException)
            {
                said = exception.Message;
            }

            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new TimeoutException($"{path}: {said}");
            await Task.Delay(Between, TimeProvider.System, _stop.Token);
        }
    }

    private sealed class Tipper(Guest guest, long amountMicrocredits)
    {
        public Guest Guest { get; } = guest;

        public long AmountMicrocredits { get; } = amountMicrocredits;

        public HashSet<string> Acknowledged { get; } = new(StringComparer.Ordinal);

        public TimeSpan LongestWait { get; set; }

        /// <summary>The last transfer of the ledger that an audit has seen.</summary>
        public long AuditedTransfer { get; set; }
    }
}
