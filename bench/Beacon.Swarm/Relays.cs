using System.Buffers.Text;
using System.Diagnostics;

namespace Beacon.Swarm;

/// <summary>
/// Keeps a number of signals under way until so many have arrived or were refused. Each carries when it was sent, so both ends need no list of
/// what is outstanding. The same for Beacon and for the yardstick.
/// </summary>
internal sealed class Relays(int total, int inFlight, Timings timings) : IDisposable
{
    /// <summary>An ICE candidate of a browser is about as long.</summary>
    public const int CandidateBytes = 180;

    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _free = new(inFlight);
    private int _settled;
    private int _refused;

    /// <summary>Signals that the server did not relay: the tree was changing, and the two were no neighbours any more.</summary>
    public int Refused => Volatile.Read(ref _refused);

    public Task Arrived => _all.Task;

    /// <summary>Waits for room, then gives the candidate to send, stamped with the time.</summary>
    public async ValueTask<string> NextAsync()
    {
        await _free.WaitAsync();
        return Candidate();
    }

    public static string Candidate() => string.Create(CandidateBytes, Stopwatch.GetTimestamp(), static (text, now) =>
    {
        text.Fill('x');
        "{\"t\":".CopyTo(text);
        now.TryFormat(text[5..], out var digits, default, System.Globalization.CultureInfo.InvariantCulture);
        ",\"candidate\":\"candidate:1 1 udp 2113937151 192.0.2.1 54321 typ host ".CopyTo(text[(5 + digits)..]);
        "\"}".CopyTo(text[^2..]);
    });

    public void Dispose() => _free.Dispose();

    public void Take(ReadOnlySpan<byte> message)
    {
        // As JSON text inside JSON the quotes come escaped; the digits do not.
        var at = message.IndexOf("t\":"u8);
        var digits = at < 0 ? message[(message.IndexOf("t\\\":"u8) + 4)..] : message[(at + 3)..];
        if (!Utf8Parser.TryParse(digits, out long sentAt, out _))
            throw new InvalidDataException($"No time in {System.Text.Encoding.UTF8.GetString(message)}");
        timings.Add(sentAt);
        Settle();
    }

    public void Refuse()
    {
        Interlocked.Increment(ref _refused);
        Settle();
    }

    private void Settle()
    {
        _free.Release();
        if (Interlocked.Increment(ref _settled) == total)
            _all.TrySetResult();
    }
}
