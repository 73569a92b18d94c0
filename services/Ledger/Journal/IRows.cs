namespace Beacon.Ledger.Journal;

/// <summary>The rows of a result, one after the other; columns by number, from 0.</summary>
internal interface IRows : IDisposable
{
    /// <summary>Moves to the next row; false after the last.</summary>
    bool Read();

    /// <summary>Ends a reading before its last row.</summary>
    void Reset();

    long Long(int column);

    int Int(int column);

    bool IsNull(int column);

    string Text(int column);

    /// <summary>Valid until the next call.</summary>
    ReadOnlySpan<byte> Blob(int column);

    /// <summary>16 bytes, big-endian.</summary>
    Guid Id(int column);
}
