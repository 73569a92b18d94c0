using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using NpgsqlTypes;

namespace Beacon.Ledger.Journal.Postgres;

/// <summary>A move that was not made: the file is as it was, and nothing looks at the database yet.</summary>
internal sealed class MoveRefusedException(string reason, string message) : Exception(message)
{
    public string Reason => reason;
}

/// <summary>
/// Moves a ledger from a file, whose service is stopped, to an empty PostgreSQL database: every row of every table, in one
/// transaction. Both are proved, and must have the same head. The file stays where it is.
/// </summary>
internal static class LedgerMove
{
    /// <param name="progress">Hears how much of the work is done, 0 to 1.</param>
    /// <returns>The proof of the database.</returns>
    public static LedgerProof Run(string path, string connectionString, IProgress<double>? progress = null)
    {
        if (!LedgerServer.IsMeant(connectionString))
            throw new MoveRefusedException("no_database", "The target is a connection string of PostgreSQL, for example Host=db;Username=beacon;Database=ledger.");
        if (!File.Exists(path))
            throw new MoveRefusedException("no_ledger", $"There is no file {path}.");
        using var writer = Lock(path);
        var file = new LedgerFile(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        var sound = Proved(path, "ledger_not_sound", ProgressPart.Of(progress, 0, 0.3));
        using (var former = new LedgerDb(new DbContextOptionsBuilder<LedgerDb>().UseSqlite(file.ConnectionString).Options))
            former.Database.Migrate();
        var server = new LedgerServer(connectionString);
        try
        {
            // Opened as for a writer: it has the turn, and the tables are made.
            using var turn = server.OpenStore(new LedgerOptions());
            Copy(file, connectionString);
        }
        catch (StandbyException exception)
        {
            throw new MoveRefusedException("database_in_use", exception.Message);
        }
        catch (InvalidDataException exception)
        {
            throw new MoveRefusedException("database_not_empty", exception.Message);
        }

        var moved = Proved(connectionString, "copy_not_sound", ProgressPart.Of(progress, 0.7, 1));
        return moved.Head == sound.Head
            ? moved
            : throw new MoveRefusedException("copy_not_sound", $"The head of the database is {moved.Head}, and that of the file {sound.Head}. Do not use the database.");
    }

    private static WriterLock Lock(string path)
    {
        try
        {
            return WriterLock.Take(path);
        }
        catch (InvalidOperationException exception)
        {
            throw new MoveRefusedException("ledger_in_use", $"{exception.Message} Stop the service first.");
        }
    }

    private static LedgerProof Proved(string target, string reason, IProgress<double>? progress)
    {
        var proof = LedgerProof.Of(target, progress);
        return proof.IsSound ? proof : throw new MoveRefusedException(reason, string.Join("; ", proof.Problems));
    }

    private static void Copy(LedgerFile file, string connectionString)
    {
        using var source = new SqliteConnection(file.ConnectionString);
        source.Open();
        using var snapshot = source.BeginTransaction(deferred: true);
        using var target = new NpgsqlConnection(connectionString);
        target.Open();
        using var transaction = target.BeginTransaction();
        if (Scalar(target, "SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM chain) + (SELECT count(*) FROM streams)") != 0)
            throw new MoveRefusedException("database_not_empty", $"There is a ledger in {new LedgerServer(connectionString).Name}; it stays as it is.");
        // The one row that a new database has.
        Scalar(target, "DELETE FROM outbox_cursor");
        using var model = new PostgresLedgerDb(new DbContextOptionsBuilder<PostgresLedgerDb>().UseNpgsql(connectionString).Options);
        foreach (var table in model.Model.GetEntityTypes())
            Copy(source, target, table);
        transaction.Commit();
    }

    private static void Copy(SqliteConnection source, NpgsqlConnection target, IEntityType table)
    {
        var columns = table.GetProperties().ToArray();
        var names = string.Join(", ", columns.Select(column => $"\"{column.GetColumnName()}\""));
        using var select = source.CreateCommand();
#pragma warning disable CA2100 // Names of our own tables and columns.
        select.CommandText = $"SELECT {names} FROM \"{table.GetTableName()}\" ORDER BY {string.Join(", ", table.FindPrimaryKey()!.Properties.Select(column => $"\"{column.GetColumnName()}\""))}";
#pragma warning restore CA2100
        using var row = select.ExecuteReader();
        using var rows = target.BeginBinaryImport($"COPY \"{table.GetTableName()}\" ({names}) FROM STDIN (FORMAT BINARY)");
        while (row.Read())
        {
            rows.StartRow();
            for (var i = 0; i < columns.Length; i++)
                Write(rows, row, i, columns[i].GetColumnType());
        }

        rows.Complete();
    }

    private static void Write(NpgsqlBinaryImporter rows, DbDataReader row, int column, string type)
    {
        if (row.IsDBNull(column))
        {
            rows.WriteNull();
            return;
        }

        switch (type)
        {
            case "bigint":
                rows.Write(row.GetInt64(column), NpgsqlDbType.Bigint);
                break;
            case "integer":
                rows.Write(row.GetInt32(column), NpgsqlDbType.Integer);
                break;
            case "boolean":
                rows.Write(row.GetBoolean(column), NpgsqlDbType.Boolean);
                break;
            case "bytea":
                rows.Write((byte[])row.GetValue(column), NpgsqlDbType.Bytea);
                break;
            case "text":
                rows.Write(row.GetString(column), NpgsqlDbType.Text);
                break;
            default:
                throw new NotSupportedException($"No ledger has columns of type {type}.");
        }
    }

    private static long Scalar(NpgsqlConnection connection, string sql)
    {
#pragma warning disable CA2100 // Texts of this file.
        using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return command.ExecuteScalar() is long value ? value : 0;
    }
}
