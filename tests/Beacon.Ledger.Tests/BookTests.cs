using Beacon.Ledger.Books;

namespace Beacon.Ledger.Tests;

public sealed class BookTests
{
    private readonly Dictionary<Guid, PostedBatch> _journal = [];
    private readonly Book _book;
    private int _next;

    public BookTests()
    {
        _book = new Book([], lastBatch: 0, lastTransfer: 0, recentTransfersKept: 3, id => _journal.GetValueOrDefault(id));
        _book.Open("mint", AccountKind.Treasury, mayGoNegative: true, "", nowMs: 0);
        foreach (var name in new[] { "ann", "bob", "cid" })
            _book.Open(name, AccountKind.Wallet, mayGoNegative: false, "", nowMs: 0);
        Assert.Equal(PostingStatus.Posted, Post(("mint", "ann", 100)).Status);
    }

    [Fact]
    public void A_transfer_moves_credits_and_notes_both_balances()
    {
        var posted = Post(("ann", "bob", 30)).Batch!;
        var transfer = Assert.Single(posted.Transfers);
        Assert.Equal((posted.Id, 30L, 70L, 30L), (transfer.Id, transfer.Amount, transfer.DebitBalance, transfer.CreditBalance));
        Assert.Equal((2L, 2L), (posted.Sequence, transfer.Sequence));
        AssertBalances(ann: 70, bob: 30, cid: 0);
    }

    [Fact]
    public void Linked_legs_are_booked_together_or_not_at_all()
    {
        Assert.Equal(PostingStatus.InsufficientCredits, Post(("ann", "bob", 60), ("ann", "cid", 41)).Status);
        AssertBalances(ann: 100, bob: 0, cid: 0);
        Assert.Equal(PostingStatus.Posted, Post(("ann", "bob", 60), ("ann", "cid", 40)).Status);
        AssertBalances(ann: 0, bob: 60, cid: 40);
    }

    [Fact]
    public void A_wallet_may_be_emptied_but_not_overdrawn()
    {
        Assert.Equal(PostingStatus.InsufficientCredits, Post(("ann", "bob", 101)).Status);
        Assert.Equal(PostingStatus.Posted, Post(("ann", "bob", 100)).Status);
        AssertBalances(ann: 0, bob: 100, cid: 0);
    }

    [Fact]
    public void The_same_batch_again_gives_the_first_result()
    {
        var batch = Batch(("ann", "bob", 30));
        var first = _book.Post(batch, nowMs: 5).Batch!;
        Post(("ann", "cid", 70));
        var again = _book.Post(batch, nowMs: 9);
        Assert.Equal(PostingStatus.Exists, again.Status);
        Assert.Same(first, again.Batch);
        Assert.Equal(5, again.Batch!.BookedAtMs);
        AssertBalances(ann: 0, bob: 30, cid: 70);
    }

    [Fact]
    public void The_same_id_with_other_content_is_refused()
    {
        var batch = Batch(("ann", "bob", 30));
        _book.Post(batch, nowMs: 0);
        Assert.Equal(PostingStatus.ExistsWithDifferentContent, _book.Post(batch with { Content = Guid.Empty }, nowMs: 0).Status);
        AssertBalances(ann: 70, bob: 30, cid: 0);
    }

    [Fact]
    public void An_id_that_memory_forgot_is_found_in_the_journal()
    {
        var batch = Batch(("ann", "bob", 1));
        _journal[batch.Id] = _book.Post(batch, nowMs: 0).Batch!;
        for (var i = 0; i < 3; i++)
            Post(("ann", "bob", 1));
        Assert.Equal(PostingStatus.Exists, _book.Post(batch, nowMs: 0).Status);
        AssertBalances(ann: 96, bob: 4, cid: 0);
    }

    [Fact]
    public void Statuses_have_a_precedence()
    {
        var known = Batch(("ann", "bob", 1));
        _book.Post(known, nowMs: 0);

        Assert.Equal(PostingStatus.InvalidAmount, _book.Post(known with { Legs = [new("ann", "ann", 0)] }, nowMs: 0).Status);
        Assert.Equal(PostingStatus.SameAccount, _book.Post(known with { Legs = [new("ann", "ann", 1)] }, nowMs: 0).Status);
        Assert.Equal(PostingStatus.Exists, _book.Post(known with { Legs = [new("ann", "nobody", 1_000)] }, nowMs: 0).Status);
        Assert.Equal(PostingStatus.UnknownAccount, Post(("ann", "bob", 1_000), ("ann", "nobody", 1)).Status);
        Assert.Equal(PostingStatus.InsufficientCredits, Post(("ann", "bob", 1_000), ("mint", "bob", 1)).Status);
        AssertBalances(ann: 99, bob: 1, cid: 0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(Amounts.Max + 1)]
    public void An_amount_out_of_range_changes_nothing(long amount)
    {
        Assert.Equal(PostingStatus.InvalidAmount, Post(("mint", "ann", amount)).Status);
        AssertBalances(ann: 100, bob: 0, cid: 0);
    }

    [Fact]
    public void The_largest_amount_is_allowed()
    {
        Assert.Equal(PostingStatus.Posted, Post(("mint", "bob", Amounts.Max)).Status);
        AssertBalances(ann: 100, bob: Amounts.Max, cid: 0);
    }

    [Fact]
    public void A_balance_that_would_overflow_is_refused()
    {
        var book = new Book(
            [
                Account.Restore(1, "mint", AccountKind.Treasury, true, "", 0, -long.MaxValue + 5, 0),
                Account.Restore(2, "rich", AccountKind.Wallet, false, "", 0, long.MaxValue - 5, 0),
                Account.Restore(3, "other mint", AccountKind.Treasury, true, "", 0, 0, 0),
                Account.Restore(4, "poor", AccountKind.Wallet, false, "", 0, 0, 0),
            ],
            0, 0, 10, _ => null);
        Assert.Equal(PostingStatus.BalanceOverflow, book.Post(Batch(("other mint", "rich", 6)), 0).Status);
        Assert.Equal(PostingStatus.BalanceOverflow, book.Post(Batch(("mint", "poor", 7)), 0).Status);
        Assert.Equal(PostingStatus.Posted, book.Post(Batch(("mint", "poor", 6)), 0).Status);
        Assert.Equal(PostingStatus.Posted, book.Post(Batch(("other mint", "rich", 5)), 0).Status);
        Assert.Equal(0, book.Sum());
    }

    [Fact]
    public void Relay_pay_is_added_up_and_taken_back_with_a_refused_batch()
    {
        var pay = Batch(("mint", "bob", 7)) with { Code = TransferCode.Relay };
        _book.Post(pay, 0);
        Assert.Equal(7, _book.Find("bob")!.RelayEarnings);
        _book.Post(Batch(("mint", "bob", 7), ("cid", "bob", 1)) with { Code = TransferCode.Relay }, 0);
        Assert.Equal((7, 7), (_book.Find("bob")!.RelayEarnings, _book.Find("bob")!.Balance));
    }

    [Fact]
    public void An_empty_batch_marks_its_id_as_done()
    {
        var marker = Batch();
        Assert.Equal(PostingStatus.Posted, _book.Post(marker, 0).Status);
        Assert.Equal(PostingStatus.Exists, _book.Post(marker, 0).Status);
    }

    [Fact]
    public void An_account_is_opened_once() =>
        Assert.Throws<ArgumentException>(() => _book.Open("ann", AccountKind.Wallet, mayGoNegative: false, "", nowMs: 0));

    private Posting Post(params (string Debit, string Credit, long Amount)[] legs) => _book.Post(Batch(legs), nowMs: 0);

    private TransferBatch Batch(params (string Debit, string Credit, long Amount)[] legs)
    {
        var id = new Guid(++_next, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0);
        return new TransferBatch(id, id, TransferCode.Tip, "test", "", null, [.. legs.Select(leg => new Leg(leg.Debit, leg.Credit, leg.Amount))]);
    }

    private void AssertBalances(long ann, long bob, long cid)
    {
        Assert.Equal((ann, bob, cid), (_book.Find("ann")!.Balance, _book.Find("bob")!.Balance, _book.Find("cid")!.Balance));
        Assert.Equal(0, _book.Sum());
    }
}
