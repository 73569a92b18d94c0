namespace Beacon.Ledger.Journal;

/// <summary>The progress of one part of a longer work.</summary>
internal sealed class ProgressPart : IProgress<double>
{
    private readonly IProgress<double> _whole;
    private readonly double _from;
    private readonly double _to;

    private ProgressPart(IProgress<double> whole, double from, double to) => (_whole, _from, _to) = (whole, from, to);

    /// <summary>Null when nobody wants to hear of the whole.</summary>
    public static ProgressPart? Of(IProgress<double>? whole, double from, double to) => whole is null ? null : new ProgressPart(whole, from, to);

    public void Report(double value) => _whole.Report(_from + (value * (_to - _from)));
}
