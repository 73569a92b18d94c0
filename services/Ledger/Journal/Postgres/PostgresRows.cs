using Npgsql;

namespace Beacon.Ledger.Journal.Postgres;

/// <summary>
/// A result that was read whole: a connection of PostgreSQL serves one at a time, and those who replay a journal walk along
/// two. Long ones are fetched in pages, each from where the former ended.
/// </summary>
internal sealed class PostgresRows : IRows
{
    private const int PageRows = 2_000;

    private readonly Func<long, List<object[]>>? _next;
    private List<object[]> _page;
    private int _row = -1;

    private PostgresRows(List<object[]> page, Func<long, List<object[]>>? next) => (_page, _next) = (page, next);

    public static PostgresRows Of(NpgsqlConnection connection, string sql, params object[] values) => new(Fetch(connection, sql, values), next: null);

    /// <summary>Rows whose first column is their number, after one number and up to another, in pages.</summary>
    /// <param name="select">SELECT and FROM.</param>
    /// <param name="number">The first column.</param>
    public static PostgresRows InPages(NpgsqlConnection connection, string select, string number, long after, long to)
    {
        var sql = $"{select} WHERE {number} > $1 AND {number} <= $2 ORDER BY {number} LIMIT {PageRows}";
        return new PostgresRows(Next(after), Next);

        List<object[]> Next(long last) => Fetch(connection, sql, last, to);
    }

    public bool Read()
    {
        if (++_row < _page.Count)
            return true;
        if (_next is null || _page.Count < PageRows)
            return false;
        _page = _next(Long(_page[^1], 0));
        _row = 0;
        return _page.Count > 0;
    }

    public void Reset()
    {
        _page = [];
        _row = -1;
    }

    public long Long(int column) => Long(_page[_row], column);

    public int Int(int column) => checked((int)Long(column));

    public bool IsNull(int column) => _page[_row][column] is DBNull;

    public string Text(int column) => (string)_page[_row][column];

    public ReadOnlySpan<byte> Blob(int column) => (byte[])_page[_row][column];

    public Guid Id(int column) => Blob(column) is { Length: 16 } bytes
        ? new Guid(bytes, bigEndian: true)
        : throw new InvalidDataException($"An id has {Blob(column).Length} bytes instead of 16.");

    public void Dispose()
    {
        // Everything is in memory.
    }

    private static long Long(object[] row, int column) => row[column] switch
    {
        long value => value,
        int value => value,
        bool value => value ? 1 : 0,
        var value => throw new InvalidDataException($"Column {column} holds {value.GetType().Name} instead of a number."),
    };

    private static List<object[]> Fetch(NpgsqlConnection connection, string sql, params object[] values)
    {
        using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        using var reader = command.ExecuteReader();
        var rows = new List<object[]>();
        while (reader.Read())
        {
            var row = new object[reader.FieldCount];
            reader.GetValues(row);
            rows.Add(row);
        }

        return rows;
    }
}
