using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Beacon.Ledger.Journal;

/// <summary>
/// One SQL statement, compiled once and run again and again with other values. On SQLite's own interface, because a
/// command of ADO.NET costs several times what SQLite needs for the row. What runs for every value is called without the
/// managed layer between, which guards the statement against being disposed of on another thread: here one thread owns it.
/// Values are added in the order of the statement's parameters.
/// </summary>
internal sealed partial class PreparedStatement : IRows
{
    private const string Library = "e_sqlite3";
    private const int OnStack = 512;

    /// <summary>Texts and ids of a run that wait here, so that SQLite need not copy each into memory of its own; longer ones it does.</summary>
    private const int ValueBytes = 8 * 1024;

    /// <summary>SQLite copies the value before the call returns.</summary>
    private const nint Transient = -1;

    /// <summary>The value stays where it is until the run is over.</summary>
    private const nint Static = 0;

    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private readonly nint _handle;
    private byte[]? _values;
    private int _valued;
    private int _bound;

    public PreparedStatement(sqlite3 database, string sql)
    {
        _database = database;
        Check(raw.sqlite3_prepare_v3(database, sql, raw.SQLITE_PREPARE_PERSISTENT, out _statement));
        _handle = _statement.DangerousGetHandle();
    }

    public PreparedStatement Add(long value)
    {
        Check(BindLong(_handle, ++_bound, value));
        return this;
    }

    public PreparedStatement Add(long? value)
    {
        if (value is { } present)
            return Add(present);
        Check(BindNull(_handle, ++_bound));
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
        var kept = Keep(16);
        Span<byte> own = stackalloc byte[16];
        var bytes = kept.IsEmpty ? own : kept;
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        Check(BindBlob(_handle, ++_bound, bytes, bytes.Length, kept.IsEmpty ? Transient : Static));
        return this;
    }

    public PreparedStatement Add(ReadOnlySpan<byte> value)
    {
        Check(BindBlob(_handle, ++_bound, value, value.Length, Transient));
        return this;
    }

    public PreparedStatement Add(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var most = Encoding.UTF8.GetMaxByteCount(value.Length);
        var kept = Keep(most);
        if (!kept.IsEmpty)
        {
            var length = Encoding.UTF8.GetBytes(value, kept);
            _valued -= most - length;
            Check(BindText(_handle, ++_bound, kept, length, Static));
            return this;
        }

        var rented = most > OnStack ? ArrayPool<byte>.Shared.Rent(most) : null;
        var bytes = rented ?? stackalloc byte[OnStack];
        Check(BindText(_handle, ++_bound, bytes, Encoding.UTF8.GetBytes(value, bytes), Transient));
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        return this;
    }

    /// <summary>Runs a statement that answers no rows.</summary>
    public void Run()
    {
        var done = Step(_handle);
        // A reset says the error of the step again, more precisely.
        var reset = Reset(_handle);
        _bound = _valued = 0;
        if (done is not (raw.SQLITE_DONE or raw.SQLITE_ROW))
            Check(reset == raw.SQLITE_OK ? done : reset);
    }

    /// <summary>Moves to the next row; after the last, the statement is ready for other values.</summary>
    public bool Read()
    {
        switch (Step(_handle))
        {
            case raw.SQLITE_ROW:
                return true;
            case raw.SQLITE_DONE:
                Reset();
                return false;
            default:
                Check(Reset(_handle));
                throw new InvalidOperationException("SQLite failed and named no error.");
        }
    }

    /// <summary>Ends a reading before its last row.</summary>
    public void Reset()
    {
        _ = Reset(_handle);
        _bound = _valued = 0;
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

    /// <summary>Room for a value until the run is over, at an address that the collector leaves alone; empty when there is none.</summary>
    private Span<byte> Keep(int length)
    {
        _values ??= GC.AllocateUninitializedArray<byte>(ValueBytes, pinned: true);
        if (length == 0 || _valued + length > _values.Length)
            return default;
        _valued += length;
        return _values.AsSpan(_valued - length, length);
    }

    private void Check(int result)
    {
        if (result == raw.SQLITE_OK)
            return;
        throw Error(_database, result);
    }

    /// <summary>What SQLite says of the call that failed last.</summary>
    public static SqliteException Error(sqlite3 database, int result) =>
        new($"SQLite error {result}: {raw.sqlite3_errmsg(database).utf8_to_string()}", result & 0xFF, raw.sqlite3_extended_errcode(database));

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_int64")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    [SuppressGCTransition]
    private static partial int BindLong(nint statement, int index, long value);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_null")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    [SuppressGCTransition]
    private static partial int BindNull(nint statement, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_blob")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static partial int BindBlob(nint statement, int index, ReadOnlySpan<byte> value, int length, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_text")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static partial int BindText(nint statement, int index, ReadOnlySpan<byte> value, int length, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_step")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static partial int Step(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_reset")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static partial int Reset(nint statement);
}
