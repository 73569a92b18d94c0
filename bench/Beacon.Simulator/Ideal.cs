using System.Runtime.InteropServices;

namespace Beacon.Simulator;

/// <summary>Depths of a tree, the root not counted.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Depths(double Mean, int Max);

/// <summary>The yardstick: the tree that who knew all granted slots at once would build, the strongest at the top.</summary>
internal static class Ideal
{
    /// <param name="slots">Granted slots of every viewer that has a place.</param>
    public static Depths Of(int rootSlots, IEnumerable<int> slots)
    {
        var sorted = slots.ToArray();
        Array.Sort(sorted, static (x, y) => y.CompareTo(x));
        long sum = 0;
        var depth = 0;
        var at = 0;
        for (long room = rootSlots; at < sorted.Length && room > 0;)
        {
            depth++;
            var end = (int)Math.Min(sorted.Length, at + room);
            room = 0;
            sum += (long)(end - at) * depth;
            for (; at < end; at++)
                room += sorted[at];
        }

        return sorted.Length == 0 ? default : new Depths((double)sum / sorted.Length, depth);
    }
}
