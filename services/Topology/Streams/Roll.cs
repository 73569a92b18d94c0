namespace Beacon.Topology.Streams;

/// <summary>
/// Who is in a stream, by a number that each keeps for as long as it stays: so all can be gone through bit by bit while others come and
/// go, and nobody who stays is left out.
/// </summary>
internal sealed class Roll
{
    private readonly List<MemberState?> _members = [];
    private readonly Stack<int> _free = [];

    public void Add(MemberState member)
    {
        if (_free.TryPop(out var number))
        {
            _members[number] = member;
        }
        else
        {
            number = _members.Count;
            _members.Add(member);
        }

        member.Number = number;
    }

    public void Remove(MemberState member)
    {
        _members[member.Number] = null;
        _free.Push(member.Number);
    }

    /// <summary>Those with the next numbers, and the number to go on with; 0 = that was all.</summary>
    public (IReadOnlyList<MemberState> Members, int Next) From(int number, int most)
    {
        var end = (int)Math.Min(_members.Count, (long)number + most);
        var some = new List<MemberState>(Math.Max(0, end - number));
        for (var at = number; at < end; at++)
        {
            if (_members[at] is { } member)
                some.Add(member);
        }

        return (some, end < _members.Count ? end : 0);
    }
}
