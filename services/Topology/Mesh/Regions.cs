namespace Beacon.Topology.Mesh;

/// <summary>Small numbers for the names of regions, so that a peer pays two bytes for its own. What comes after the last number is unknown.</summary>
internal sealed class Regions
{
    /// <summary>More edges than one stream meets; a bound, because the names come from outside.</summary>
    private const int Most = 4_096;

    private readonly Dictionary<string, ushort> _numbers = new(StringComparer.Ordinal);
    private readonly List<string?> _names = [null];

    /// <summary>0 = unknown.</summary>
    public ushort NumberOf(string? name)
    {
        if (string.IsNullOrEmpty(name))
            return 0;
        if (_numbers.TryGetValue(name, out var number))
            return number;
        if (_names.Count > Most)
            return 0;
        number = (ushort)_names.Count;
        _numbers.Add(name, number);
        _names.Add(name);
        return number;
    }

    public string? NameOf(ushort number) => _names[number];
}
