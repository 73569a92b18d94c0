using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Beacon.Benchmarks;

/// <summary>
/// Another way to write transfers, on a file of its own with the same durability (WAL, synchronous=FULL): two balances and a
/// row with a unique id. None of them keeps statements, floors by account kind, a chain or events.
/// </summary>
internal abstract class Rival : IDisposable
{
    protected const int Accounts = 256;

    private readonly string _path;
    private long _done;
    private TimeSpan _elapsed;
    private TimeSpan _cpu;

    protected Rival(string folder, string name)
    {
        Name = name;
        _path = Path.Combine(folder, $"rival-{name}-{Guid.NewGuid():N}.db");
        ConnectionString = $"Data Source={_path};Pooling=False";
        Connection = Open();
        Execute("CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0))");
        Execute("CREATE TABLE transfers (sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, debit INTEGER NOT NULL, credit INTEGER NOT NULL, amount INTEGER NOT NULL)");
        Execute($"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {Accounts}) INSERT INTO accounts SELECT i, 1000000000000 FROM n");
    }

    public string Name { get; }

    protected string ConnectionString { get; }

    protected SqliteConnection Connection { get; }

    public static IReadOnlyList<Rival> All(string folder) => [new TransactionEach(folder), new NaiveEf(folder), new StatementEach(folder)];

    public async Task RunAsync(TimeSpan duration)
    {
        using var process = Process.GetCurrentProcess();
        var cpu = process.TotalProcessorTime;
        var started = Stopwatch.GetTimestamp();
        var random = new Random(7);
        while (Stopwatch.GetElapsedTime(started) < duration)
        {
            var debit = random.Next(1, Accounts + 1);
            await TransferAsync(Guid.CreateVersion7(), debit, (debit % Accounts) + 1, random.Next(1, 1_000));
            _done++;
        }

        _elapsed += Stopwatch.GetElapsedTime(started);
        process.Refresh();
        _cpu += process.TotalProcessorTime - cpu;
    }

    public void Forget() => (_done, _elapsed, _cpu) = (0, TimeSpan.Zero, TimeSpan.Zero);

    public JsonObject Report(double syncsPerSecond) => new()
    {
        ["transfers_per_s"] = Math.Round(_done / _elapsed.TotalSeconds),
        ["ratio"] = Math.Round(_done / _elapsed.TotalSeconds / syncsPerSecond, 2),
        ["cpu_us_per_transfer"] = Math.Round(_cpu.TotalMicroseconds / _done, 1),
    };

    public virtual void Dispose()
    {
        Connection.Dispose();
        foreach (var end in new[] { "", "-wal", "-shm" })
            File.Delete(_path + end);
    }

    protected abstract ValueTask TransferAsync(Guid id, int debit, int credit, long amount);

    protected SqliteConnection Open()
    {
        var connection = new SqliteConnection(ConnectionString);
        connection.Open();
        Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", connection);
        return connection;
    }

    protected SqliteCommand Prepare(string sql, params string[] parameters)
    {
        var command = Connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var parameter in parameters)
            command.Parameters.Add(new SqliteParameter { ParameterName = parameter });
        command.Prepare();
        return command;
    }

    protected static void Run(SqliteCommand command, params ReadOnlySpan<object> values)
    {
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];
        command.ExecuteNonQuery();
    }

    protected void Execute(string sql, SqliteConnection? connection = null)
    {
        using var command = (connection ?? Connection).CreateCommand();
#pragma warning disable CA2100 // Constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    /// <summary>One transaction a transfer, prepared statements, one connection.</summary>
    private sealed class TransactionEach : Rival
    {
        private readonly SqliteCommand _begin;
        private readonly SqliteCommand _commit;
        private readonly SqliteCommand _move;
        private readonly SqliteCommand _insert;

        public TransactionEach(string folder)
            : base(folder, "transaction_each")
        {
            _begin = Prepare("BEGIN IMMEDIATE");
            _commit = Prepare("COMMIT");
            _move = Prepare("UPDATE accounts SET balance = balance + @amount WHERE id = @id", "@amount", "@id");
            _insert = Prepare("INSERT INTO transfers (id, debit, credit, amount) VALUES (@id, @debit, @credit, @amount)", "@id", "@debit", "@credit", "@amount");
        }

        public override void Dispose()
        {
            foreach (var command in new[] { _begin, _commit, _move, _insert })
                command.Dispose();
            base.Dispose();
        }

        protected override ValueTask TransferAsync(Guid id, int debit, int credit, long amount)
        {
            Run(_begin);
            Run(_move, -amount, debit);
            Run(_move, amount, credit);
            Run(_insert, id.ToByteArray(bigEndian: true), debit, credit, amount);
            Run(_commit);
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>A context a transfer: read both accounts, change them, add the row, save. One caller: with more it loses updates.</summary>
    private sealed class NaiveEf(string folder) : Rival(folder, "naive_ef")
    {
        protected override async ValueTask TransferAsync(Guid id, int debit, int credit, long amount)
        {
            await using var database = new RivalDb(ConnectionString);
            var from = await database.Accounts.SingleAsync(account => account.Id == debit);
            var to = await database.Accounts.SingleAsync(account => account.Id == credit);
            from.Balance -= amount;
            to.Balance += amount;
            database.Transfers.Add(new RivalTransfer { Id = id.ToByteArray(bigEndian: true), Debit = debit, Credit = credit, Amount = amount });
            await database.SaveChangesAsync();
        }
    }

    /// <summary>As programs around a synchronous driver do it: one statement a transfer, which commits by itself; a trigger moves the balances.</summary>
    private sealed class StatementEach : Rival
    {
        private readonly SqliteCommand _insert;

        public StatementEach(string folder)
            : base(folder, "statement_each")
        {
            Execute(
                """
                CREATE TRIGGER move AFTER INSERT ON transfers BEGIN
                    UPDATE accounts SET balance = balance - NEW.amount WHERE id = NEW.debit;
                    UPDATE accounts SET balance = balance + NEW.amount WHERE id = NEW.credit;
                END
                """);
            _insert = Prepare("INSERT INTO transfers (id, debit, credit, amount) VALUES (@id, @debit, @credit, @amount)", "@id", "@debit", "@credit", "@amount");
        }

        public override void Dispose()
        {
            _insert.Dispose();
            base.Dispose();
        }

        protected override ValueTask TransferAsync(Guid id, int debit, int credit, long amount)
        {
            Run(_insert, id.ToByteArray(bigEndian: true), debit, credit, amount);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class RivalDb(string connectionString) : DbContext
    {
        public DbSet<RivalAccount> Accounts => Set<RivalAccount>();

        public DbSet<RivalTransfer> Transfers => Set<RivalTransfer>();

        protected override void OnConfiguring(DbContextOptionsBuilder optionsBuilder) => optionsBuilder.UseSqlite(connectionString);

        protected override void OnModelCreating(ModelBuilder modelBuilder)
        {
            modelBuilder.Entity<RivalAccount>(row =>
            {
                row.ToTable("accounts");
                row.Property(account => account.Id).HasColumnName("id").ValueGeneratedNever();
                row.Property(account => account.Balance).HasColumnName("balance");
            });
            modelBuilder.Entity<RivalTransfer>(row =>
            {
                row.ToTable("transfers");
                row.HasKey(transfer => transfer.Sequence);
                row.Property(transfer => transfer.Sequence).HasColumnName("sequence");
                row.Property(transfer => transfer.Id).HasColumnName("id");
                row.Property(transfer => transfer.Debit).HasColumnName("debit");
                row.Property(transfer => transfer.Credit).HasColumnName("credit");
                row.Property(transfer => transfer.Amount).HasColumnName("amount");
            });
        }
    }

    private sealed class RivalAccount
    {
        public int Id { get; set; }

        public long Balance { get; set; }
    }

    private sealed class RivalTransfer
    {
        public long Sequence { get; set; }

        public required byte[] Id { get; set; }

        public int Debit { get; set; }

        public int Credit { get; set; }

        public long Amount { get; set; }
    }
}
