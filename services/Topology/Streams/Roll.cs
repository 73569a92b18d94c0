namespace Beacon.Topology.Streams;

/// <summary>
/// Who is in a stream, by a number that each keeps for as long as it stays: so all can be gone through bit by bit while others come and
/// go, and nobody who stays is left out.
/// </summary>
internal sealed class Roll
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<string?> _ids = [];
    private readonly Stack<int> _free = [];

    public void Add(string id)
    {
        if (_numbers.ContainsKey(id))
            return;
        if (_free.TryPop(out var number))
        {
            _ids[number] = id;
        }
        else
        {
            number = _ids.Count;
            _ids.Add(id);
        }

        _numbers.Add(id, number);
    }

    public void Remove(string id)
    {
        if (!_numbers.Remove(id, out var number))
            return;
        _ids[number] = null;
        _free.Push(number);
    }

    /// <summary>Those with the next numbers, and the number to go on with; 0 = that was all.</summary>
    public (IReadOnlyList<string> Ids, int Next) From(int number, int most)
    {
        var end = (int)Math.Min(_ids.Count, (long)number + most);
        var some = new List<string>(Math.Max(0, end - number));
        for (var at = number; at < end; at++)
        {
            if (_ids[at] is { } id)
                some.Add(id);
        }

        return (some, end < _ids.Count ? end : 0);
    }
}
