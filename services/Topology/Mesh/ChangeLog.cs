using System.Collections;

namespace Beacon.Topology.Mesh;

/// <summary>
/// What an operation or a batch of them tells the peers, in order. It grows by pieces and is handed over as it is: a large batch in one
/// array would be copied twice, and each such array brings the collection of the whole heap nearer.
/// </summary>
internal sealed class ChangeLog : IReadOnlyList<Change>
{
    private const int Smallest = 8;
    private const int Piece = 256;

    private readonly List<Change[]> _full = [];
    private Change[] _last = new Change[Smallest];
    private int _inLast;

    public int Count => (_full.Count * Piece) + _inLast;

    public Change this[int index] => index < Count ? (index / Piece < _full.Count ? _full[index / Piece] : _last)[index % Piece] : throw new ArgumentOutOfRangeException(nameof(index));

    public void Add(in Change change)
    {
        if (_inLast == Piece)
        {
            _full.Add(_last);
            _last = new Change[Piece];
            _inLast = 0;
        }
        else if (_inLast == _last.Length)
        {
            Array.Resize(ref _last, Math.Min(Piece, 4 * _inLast));
        }

        _last[_inLast++] = change;
    }

    public IEnumerator<Change> GetEnumerator()
    {
        foreach (var piece in _full)
        {
            foreach (var change in piece)
                yield return change;
        }

        for (var at = 0; at < _inLast; at++)
            yield return _last[at];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
