namespace Beacon.Ledger.Journal;

// The rows as EF sees them, for the schema and for reading. The money path writes them with its own statements.

internal sealed class AccountRow
{
    public int Number { get; set; }
    public required string AccountId { get; set; }
    public int Kind { get; set; }
    public bool MayGoNegative { get; set; }
    public required string DisplayName { get; set; }
    public long OpenedAtMs { get; set; }
}

/// <summary>What an account has: all of it that a transfer changes, apart from what stays, so that a page has many.</summary>
internal sealed class BalanceRow
{
    public int Account { get; set; }

    /// <summary>That of the account, once more: a check sees its own row alone.</summary>
    public bool MayGoNegative { get; set; }
    public long Balance { get; set; }
    public long RelayEarnings { get; set; }

    /// <summary>The last transfer on either side, where a walk through its history begins; 0 = none.</summary>
    public long LastTransfer { get; set; }

    /// <summary>How many there are.</summary>
    public long Transfers { get; set; }
}

/// <summary>Linked transfers that were posted together; the unit of idempotency.</summary>
internal sealed class BatchRow
{
    public long Sequence { get; set; }

    /// <summary>16 bytes, big-endian, so that UUIDs of version 7 stand in order of time in the index.</summary>
    public required byte[] BatchId { get; set; }
    public required byte[] Content { get; set; }
    public int Code { get; set; }
    public required string Actor { get; set; }
    public required string Reference { get; set; }
    public long? Window { get; set; }
    public long BookedAtMs { get; set; }

    /// <summary>How many transfers it has.</summary>
    public int Legs { get; set; }

    /// <summary>The last of them; they follow each other. 0 without any.</summary>
    public long LastTransfer { get; set; }
}

/// <summary>One booking, with the balances that it left on both sides: the balance of an account at any time is a lookup.</summary>
internal sealed class TransferRow
{
    public long Sequence { get; set; }
    public required byte[] TransferId { get; set; }
    public long Batch { get; set; }
    public int Debit { get; set; }
    public int Credit { get; set; }
    public long Amount { get; set; }
    public long DebitBalance { get; set; }
    public long CreditBalance { get; set; }

    /// <summary>The transfer before it of the account that pays, on either side; 0 = it is the first.</summary>
    public long DebitBefore { get; set; }

    /// <summary>The same of the account that is paid.</summary>
    public long CreditBefore { get; set; }
}

/// <summary>Every so many transfers of an account, one of them: <see cref="History"/>.</summary>
internal sealed class MarkRow
{
    public int Account { get; set; }
    public long Transfer { get; set; }
}

internal sealed class StreamRow
{
    public required string StreamId { get; set; }
    public required string Broadcaster { get; set; }
    public long StartedAtMs { get; set; }
    public long? EndedAtMs { get; set; }
    public long SquadVersion { get; set; }
}

internal sealed class SquadMemberRow
{
    public required string StreamId { get; set; }
    public int Position { get; set; }
    public required string AccountId { get; set; }
    public int ShareBps { get; set; }
}

internal sealed class SponsorshipRow
{
    public required byte[] SponsorshipId { get; set; }
    public required string StreamId { get; set; }
    public required string Sponsor { get; set; }
    public long Budget { get; set; }
    public long Spent { get; set; }
    public long Rate { get; set; }
    public int State { get; set; }

    /// <summary>The sequence of the batch that funded it.</summary>
    public long Number { get; set; }
    public long CreatedAtMs { get; set; }
    public long MaxPerHour { get; set; }
    public long CampaignMs { get; set; }
    public long ViewerMs { get; set; }
    public long ToRelays { get; set; }
}

/// <summary>What a sponsorship got in one clock hour.</summary>
internal sealed class DeliveryRow
{
    public required byte[] SponsorshipId { get; set; }

    /// <summary>Unix milliseconds / 3,600,000.</summary>
    public long Hour { get; set; }
    public long ViewerMs { get; set; }
    public long Spent { get; set; }
    public long ToRelays { get; set; }
}

/// <summary>A transfer in two steps; the batch of the same id noted the request.</summary>
internal sealed class PendingTransferRow
{
    /// <summary>The sequence of that batch.</summary>
    public long Number { get; set; }
    public required byte[] PendingId { get; set; }
    public int Debit { get; set; }
    public int Credit { get; set; }
    public long Amount { get; set; }
    public long CreatedAtMs { get; set; }
    public long ExpiresAtMs { get; set; }
    public int State { get; set; }
    public long? ResolvedAtMs { get; set; }
    public byte[]? ResolvedBy { get; set; }
}

/// <summary>A freeze or its end. The latest row of an account says how it stands.</summary>
internal sealed class FreezeRow
{
    public long Sequence { get; set; }
    public int Account { get; set; }
    public bool Frozen { get; set; }
    public required string Actor { get; set; }
    public required string Note { get; set; }
    public long SetAtMs { get; set; }
}

/// <summary>How far an account is in its probation.</summary>
internal sealed class RelayStandingRow
{
    public int Account { get; set; }
    public int GoodWindows { get; set; }
    public long Withheld { get; set; }
}

/// <summary>Relay work that was not paid for. The oldest rows make room for new ones.</summary>
internal sealed class RefusedWorkRow
{
    public long Sequence { get; set; }
    public required string StreamId { get; set; }
    public long Window { get; set; }
    public required string AccountId { get; set; }
    public int Reason { get; set; }
    public long Bytes { get; set; }
    public long Microcredits { get; set; }
    public long NotedAtMs { get; set; }
}

/// <summary>One link of the chain over the journal; <see cref="ChainLink"/>.</summary>
internal sealed class ChainRow
{
    public long Link { get; set; }
    public int LastAccount { get; set; }
    public long LastBatch { get; set; }
    public long LastTransfer { get; set; }
    public required byte[] Hash { get; set; }
}

/// <summary>An event that does not follow from the journal and waits to be published.</summary>
internal sealed class OutboxRow
{
    public long Sequence { get; set; }
    public required string Type { get; set; }
    public required string Payload { get; set; }
}

/// <summary>The one row that says how far the events were published.</summary>
internal sealed class OutboxCursorRow
{
    public int Id { get; set; }

    /// <summary>The last message of the outbox.</summary>
    public long PublishedThrough { get; set; }

    /// <summary>The last transfer.</summary>
    public long PublishedTransfers { get; set; }

    /// <summary>What is added to the sequence of an event of the journal, so that it goes on where those of the outbox ended.</summary>
    public long EventOffset { get; set; }
}
