namespace Beacon.Swarm;

/// <summary>The middle one of some values; of an even number the upper of the two.</summary>
internal static class Median
{
    public static double Of(IEnumerable<double> values) => Of(values, value => value);

    public static T? Of<T>(IEnumerable<T> values, Func<T, double> valueOf)
    {
        var sorted = values.OrderBy(valueOf).ToList();
        return sorted.Count == 0 ? default : sorted[sorted.Count / 2];
    }
}
