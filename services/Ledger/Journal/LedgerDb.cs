using Microsoft.EntityFrameworkCore;

namespace Beacon.Ledger.Journal;

/// <summary>The ledger's database as EF sees it: it owns the schema and answers statements. Money is written by <see cref="LedgerWriter"/> alone.</summary>
internal class LedgerDb : DbContext
{
    public LedgerDb(DbContextOptions<LedgerDb> options)
        : base(options)
    {
    }

    /// <summary>For the context of another database, which has migrations of its own.</summary>
    protected LedgerDb(DbContextOptions options)
        : base(options)
    {
    }

    public DbSet<AccountRow> Accounts => Set<AccountRow>();

    public DbSet<BalanceRow> Balances => Set<BalanceRow>();

    public DbSet<BatchRow> Batches => Set<BatchRow>();

    public DbSet<TransferRow> Transfers => Set<TransferRow>();

    public DbSet<MarkRow> Marks => Set<MarkRow>();

    public DbSet<StreamRow> Streams => Set<StreamRow>();

    public DbSet<SquadMemberRow> SquadMembers => Set<SquadMemberRow>();

    public DbSet<SponsorshipRow> Sponsorships => Set<SponsorshipRow>();

    public DbSet<DeliveryRow> Deliveries => Set<DeliveryRow>();

    public DbSet<PendingTransferRow> PendingTransfers => Set<PendingTransferRow>();

    public DbSet<FreezeRow> Freezes => Set<FreezeRow>();

    public DbSet<RelayStandingRow> RelayStandings => Set<RelayStandingRow>();

    public DbSet<RefusedWorkRow> RefusedWork => Set<RefusedWorkRow>();

    public DbSet<ChainRow> Chain => Set<ChainRow>();

    public DbSet<OutboxRow> Outbox => Set<OutboxRow>();

    public DbSet<OutboxCursorRow> OutboxCursor => Set<OutboxCursorRow>();

    /// <summary>The floor of a balance, in the words of the database.</summary>
    protected virtual string BalanceFloor => "may_go_negative = 1 OR balance >= 0";

    /// <summary>
    /// The transfers on both sides of an account, after one and through another: the newest of them, or the oldest, and
    /// perhaps some more, in no order. A walk from one transfer to the one before it, which begins at the last or at a mark.
    /// </summary>
    public async Task<IQueryable<TransferRow>> HistoryAsync(int account, long after, long through, int count, bool newestFirst, CancellationToken cancellationToken)
    {
        var marks = Marks.Where(mark => mark.Account == account).OrderBy(mark => mark.Transfer).Select(mark => (long?)mark.Transfer);
        var last = await Balances.Where(balance => balance.Account == account).Select(balance => balance.LastTransfer).FirstOrDefaultAsync(cancellationToken);
        var from = last <= through ? last : await marks.FirstOrDefaultAsync(mark => mark >= through, cancellationToken) ?? last;
        // The oldest come last in a walk: it begins no further on than they need.
        var most = count;
        if (!newestFirst)
        {
            most = int.MaxValue;
            from = Math.Min(from, await marks.Where(mark => mark > after).Skip((count + History.TransfersPerMark - 1) / History.TransfersPerMark).FirstOrDefaultAsync(cancellationToken) ?? last);
        }

        return Transfers.FromSql(
            $"""
            SELECT t.* FROM transfers t JOIN (
                WITH RECURSIVE walk(sequence, before, found) AS (
                    SELECT sequence, CASE WHEN debit = {account} THEN debit_before ELSE credit_before END, CASE WHEN sequence <= {through} THEN 1 ELSE 0 END
                    FROM transfers WHERE sequence = {from} AND sequence > {after}
                    UNION ALL
                    SELECT b.sequence, CASE WHEN b.debit = {account} THEN b.debit_before ELSE b.credit_before END, w.found + CASE WHEN b.sequence <= {through} THEN 1 ELSE 0 END
                    FROM walk w JOIN transfers b ON b.sequence = w.before
                    WHERE w.found < {most} AND w.before > {after} AND w.before < w.sequence
                )
                SELECT sequence FROM walk WHERE sequence <= {through}
            ) h ON h.sequence = t.sequence
            """);
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<AccountRow>(row =>
        {
            row.ToTable("accounts");
            row.HasKey(account => account.Number);
            row.Property(account => account.Number).ValueGeneratedNever();
            row.HasIndex(account => account.AccountId).IsUnique();
        });
        modelBuilder.Entity<BalanceRow>(row =>
        {
            row.ToTable("balances", table => table.HasCheckConstraint("balance_floor", BalanceFloor));
            row.HasKey(balance => balance.Account);
            row.Property(balance => balance.Account).ValueGeneratedNever();
        });
        modelBuilder.Entity<BatchRow>(row =>
        {
            row.ToTable("batches");
            row.HasKey(batch => batch.Sequence);
            row.Property(batch => batch.Sequence).ValueGeneratedNever();
            row.HasIndex(batch => batch.BatchId).IsUnique();
        });
        modelBuilder.Entity<TransferRow>(row =>
        {
            row.ToTable("transfers", table =>
            {
                table.HasCheckConstraint("amount_positive", "amount > 0");
                table.HasCheckConstraint("two_accounts", "debit <> credit");
            });
            row.HasKey(transfer => transfer.Sequence);
            row.Property(transfer => transfer.Sequence).ValueGeneratedNever();
        });
        modelBuilder.Entity<MarkRow>(row =>
        {
            row.ToTable("marks");
            row.HasKey(mark => new { mark.Account, mark.Transfer });
        });
        modelBuilder.Entity<StreamRow>(row =>
        {
            row.ToTable("streams");
            row.HasKey(stream => stream.StreamId);
            row.HasIndex(stream => stream.EndedAtMs);
        });
        modelBuilder.Entity<SquadMemberRow>(row =>
        {
            row.ToTable("squad_members", table => table.HasCheckConstraint("share_range", "share_bps BETWEEN 1 AND 10000"));
            row.HasKey(member => new { member.StreamId, member.Position });
        });
        modelBuilder.Entity<SponsorshipRow>(row =>
        {
            row.ToTable("sponsorships", table => table.HasCheckConstraint("within_budget", "spent BETWEEN 0 AND budget"));
            row.HasKey(sponsorship => sponsorship.SponsorshipId);
            row.HasIndex(sponsorship => sponsorship.State);
            row.HasIndex(sponsorship => new { sponsorship.Sponsor, sponsorship.Number });
        });
        modelBuilder.Entity<DeliveryRow>(row =>
        {
            row.ToTable("deliveries");
            row.HasKey(delivery => new { delivery.SponsorshipId, delivery.Hour });
        });
        modelBuilder.Entity<PendingTransferRow>(row =>
        {
            row.ToTable("pending_transfers", table => table.HasCheckConstraint("amount_positive", "amount > 0"));
            row.HasKey(pending => pending.Number);
            row.Property(pending => pending.Number).ValueGeneratedNever();
            row.HasIndex(pending => pending.PendingId).IsUnique();
            row.HasIndex(pending => pending.State);
            row.HasIndex(pending => pending.Debit);
        });
        modelBuilder.Entity<FreezeRow>(row =>
        {
            row.ToTable("freezes");
            row.HasKey(freeze => freeze.Sequence);
            row.Property(freeze => freeze.Sequence).ValueGeneratedNever();
            row.HasIndex(freeze => freeze.Account);
        });
        modelBuilder.Entity<RelayStandingRow>(row =>
        {
            row.ToTable("relay_standings", table => table.HasCheckConstraint("withheld_floor", "withheld >= 0"));
            row.HasKey(standing => standing.Account);
            row.Property(standing => standing.Account).ValueGeneratedNever();
        });
        modelBuilder.Entity<RefusedWorkRow>(row =>
        {
            row.ToTable("refused_work");
            row.HasKey(refused => refused.Sequence);
            row.Property(refused => refused.Sequence).ValueGeneratedNever();
        });
        modelBuilder.Entity<ChainRow>(row =>
        {
            row.ToTable("chain");
            row.HasKey(link => link.Link);
            row.Property(link => link.Link).ValueGeneratedNever();
        });
        modelBuilder.Entity<OutboxRow>(row =>
        {
            row.ToTable("outbox");
            row.HasKey(message => message.Sequence);
            row.Property(message => message.Sequence).ValueGeneratedNever();
        });
        modelBuilder.Entity<OutboxCursorRow>(row =>
        {
            row.ToTable("outbox_cursor", table => table.HasCheckConstraint("one_row", "id = 1"));
            row.HasKey(cursor => cursor.Id);
            row.Property(cursor => cursor.Id).ValueGeneratedNever();
            row.HasData(new OutboxCursorRow { Id = 1, PublishedThrough = 0 });
        });
        UseSnakeCase(modelBuilder);
    }

    private static void UseSnakeCase(ModelBuilder modelBuilder)
    {
        foreach (var property in modelBuilder.Model.GetEntityTypes().SelectMany(entity => entity.GetProperties()))
            property.SetColumnName(string.Concat(property.Name.Select((letter, i) => char.IsUpper(letter) ? (i > 0 ? "_" : "") + char.ToLowerInvariant(letter) : letter.ToString())));
    }
}
