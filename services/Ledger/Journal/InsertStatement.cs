using SQLitePCL;

namespace Beacon.Ledger.Journal;

/// <summary>
/// Rows into one table, many with a statement: to begin and end one costs SQLite a third of what a row costs. A row that is
/// refused fails the statement and leaves the rows before it, so that SQLite need not note how each page was; who writes
/// rolls the whole transaction back. One that replaces rows notes each page all the same.
/// </summary>
internal sealed class InsertStatement : IDisposable
{
    private const int Rows = 32;

    private readonly PreparedStatement _many;
    private readonly PreparedStatement _one;
    private PreparedStatement _current;
    private int _rows;

    /// <param name="into">Table and columns: <c>name (column, column)</c>.</param>
    /// <param name="orElse">What becomes of a row whose key is there: FAIL or REPLACE.</param>
    public InsertStatement(sqlite3 database, string into, string orElse = "FAIL")
    {
        var insert = $"INSERT OR {orElse} INTO {into} VALUES ";
        var row = $"({string.Join(", ", Enumerable.Repeat("?", into.Count(letter => letter == ',') + 1))})";
        _many = new(database, insert + string.Join(", ", Enumerable.Repeat(row, Rows)));
        _current = _one = new(database, insert + row);
    }

    /// <summary>The statement to which the values of the next row are added.</summary>
    /// <param name="left">Rows that will come, with this one.</param>
    public PreparedStatement Next(int left)
    {
        if (_rows == 0)
            _current = left >= Rows ? _many : _one;
        _rows++;
        return _current;
    }

    /// <summary>The row has all its values.</summary>
    public void Added()
    {
        if (_current == _many && _rows < Rows)
            return;
        _rows = 0;
        _current.Run();
    }

    public void Dispose()
    {
        _many.Dispose();
        _one.Dispose();
    }
}
