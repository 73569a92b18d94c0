using System.Globalization;

namespace Beacon.Simulator;

/// <summary>A viewer of the trace.</summary>
internal sealed record Viewer(string Id, double UplinkMbps, double LatencyMs);

/// <summary>
/// An audience as measured: uplinks with a heavy tail, of which a quarter can forward nothing, and sessions of a log-normal length with
/// a median of 6 and a mean of 15 minutes, which makes 4 departures a viewer-hour.
/// </summary>
internal sealed class Workload(int seed)
{
    public const int BitrateKbps = 2_500;
    public const double RootUplinkMbps = 100;
    public const double MeanSessionMs = 15 * 60_000;
    private const double MedianSessionMs = 6 * 60_000;

    private readonly Random _random = new(seed);
    private int _next;

    /// <summary>The spread that gives this mean to this median: mean = median × exp(σ²/2).</summary>
    private static double Sigma { get; } = Math.Sqrt(2 * Math.Log(MeanSessionMs / MedianSessionMs));

    public Viewer Next() => new(NextId(), Uplink(), 5 + (_random.NextDouble() * 195));

    public double SessionMs() => MedianSessionMs * Math.Exp(Sigma * Normal());

    /// <summary>
    /// What is left of the session of somebody who is found watching: long sessions are met more often than they begin (their
    /// logarithm is shifted by σ²), and one comes upon them anywhere.
    /// </summary>
    public double ResidualMs() => MedianSessionMs * Math.Exp(Sigma * (Normal() + Sigma)) * _random.NextDouble();

    /// <summary>Time to the next arrival in an audience of this size.</summary>
    public double GapMs(int peers) => -Math.Log(1 - _random.NextDouble()) * MeanSessionMs / peers;

    public void Shuffle<T>(T[] items) => _random.Shuffle(items);

    public int Choose(int below) => _random.Next(below);

    private double Uplink() => _random.Next(100) switch
    {
        < 25 => 1,
        < 50 => 4,
        < 75 => 8,
        < 92 => 20,
        _ => 60,
    };

    /// <summary>As long as the UUIDs that peers have in earnest, since their memory is counted.</summary>
    private string NextId() => string.Create(CultureInfo.InvariantCulture, $"0198a000-0000-7000-8000-{_next++:x12}");

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}
