using System.Buffers;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Beacon.Ledger.Journal;

/// <summary>
/// One SQL statement, compiled once and run again and again with other values. On SQLite's own interface, because a
/// command of ADO.NET costs several times what SQLite needs for the row. Values are added in the order of the
/// statement's parameters.
/// </summary>
internal sealed class PreparedStatement : IDisposable
{
    private const int OnStack = 512;

    private readonly SqliteConnection _connection;
    private readonly sqlite3_stmt _statement;
    private int _bound;

    public PreparedStatement(SqliteConnection connection, string sql)
    {
        _connection = connection;
        Check(raw.sqlite3_prepare_v3(connection.Handle!, sql, raw.SQLITE_PREPARE_PERSISTENT, out _statement));
    }

    public PreparedStatement Add(long value)
    {
        Check(raw.sqlite3_bind_int64(_statement, ++_bound, value));
        return this;
    }

    public PreparedStatement Add(long? value)
    {
        if (value is { } present)
            return Add(present);
        Check(raw.sqlite3_bind_null(_statement, ++_bound));
        return this;
    }

    public PreparedStatement Add(Guid? value)
    {
        if (value is { } present)
            return Add(present);
        Check(raw.sqlite3_bind_null(_statement, ++_bound));
        return this;
    }

    public PreparedStatement Add(bool value) => Add(value ? 1L : 0L);

    /// <summary>16 bytes, big-endian.</summary>
    public PreparedStatement Add(Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return Add(bytes);
    }

    public PreparedStatement Add(ReadOnlySpan<byte> value)
    {
        Check(raw.sqlite3_bind_blob(_statement, ++_bound, value));
        return this;
    }

    public PreparedStatement Add(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Length == 0)
        {
            // An empty span has no address, which SQLite takes for NULL.
            Check(raw.sqlite3_bind_text(_statement, ++_bound, ""));
            return this;
        }

        var most = Encoding.UTF8.GetMaxByteCount(value.Length);
        var rented = most > OnStack ? ArrayPool<byte>.Shared.Rent(most) : null;
        var bytes = rented ?? stackalloc byte[OnStack];
        var length = Encoding.UTF8.GetBytes(value, bytes);
        Check(raw.sqlite3_bind_text(_statement, ++_bound, bytes[..length]));
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        return this;
    }

    /// <summary>Runs a statement that answers no rows.</summary>
    public void Run()
    {
        var done = raw.sqlite3_step(_statement);
        // A reset says the error of the step again, more precisely.
        var reset = raw.sqlite3_reset(_statement);
        _bound = 0;
        if (done is not (raw.SQLITE_DONE or raw.SQLITE_ROW))
            Check(reset == raw.SQLITE_OK ? done : reset);
    }

    /// <summary>Moves to the next row; after the last, the statement is ready for other values.</summary>
    public bool Read()
    {
        switch (raw.sqlite3_step(_statement))
        {
            case raw.SQLITE_ROW:
                return true;
            case raw.SQLITE_DONE:
                Reset();
                return false;
            default:
                Check(raw.sqlite3_reset(_statement));
                throw new InvalidOperationException("SQLite failed and named no error.");
        }
    }

    /// <summary>Ends a reading before its last row.</summary>
    public void Reset()
    {
        raw.sqlite3_reset(_statement);
        _bound = 0;
    }

    public long Long(int column) => raw.sqlite3_column_int64(_statement, column);

    public int Int(int column) => raw.sqlite3_column_int(_statement, column);

    public bool IsNull(int column) => raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL;

    public string Text(int column) => raw.sqlite3_column_text(_statement, column).utf8_to_string() ?? "";

    /// <summary>Valid until the next call.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(_statement, column);

    public Guid Id(int column)
    {
        var bytes = Blob(column);
        return bytes.Length == 16 ? new Guid(bytes, bigEndian: true) : throw new InvalidDataException($"An id has {bytes.Length} bytes instead of 16.");
    }

    public void Dispose() => _statement.Dispose();

    private void Check(int result)
    {
        if (result == raw.SQLITE_OK)
            return;
        var database = _connection.Handle!;
        throw new SqliteException(
            $"SQLite error {result}: {raw.sqlite3_errmsg(database).utf8_to_string()}", result & 0xFF, raw.sqlite3_extended_errcode(database));
    }
}
