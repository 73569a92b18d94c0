using Beacon.Ledger.Books;

namespace Beacon.Benchmarks.Model;

internal enum Act
{
    Post = 0,
    Hold = 1,
    PostPending = 2,
    VoidPending = 3,
}

/// <summary>A request to the book.</summary>
/// <param name="PendingId">The one to post or to void.</param>
/// <param name="HoldMs">How long to hold; also none at all.</param>
internal sealed record BookRequest(Act Act, TransferBatch Batch, Guid PendingId = default, long HoldMs = 0);
