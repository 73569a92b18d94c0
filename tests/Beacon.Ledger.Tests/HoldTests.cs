using Beacon.Ledger.Books;

namespace Beacon.Ledger.Tests;

/// <summary>Transfers in two steps, freezes, and the order of answers.</summary>
public sealed class HoldTests
{
    private readonly Dictionary<Guid, PostedBatch> _journal = [];
    private readonly Dictionary<Guid, PendingTransfer> _ended = [];
    private readonly Book _book;
    private int _next;

    public HoldTests()
    {
        _book = new Book([], 0, 0, recentTransfersKept: 100, id => _journal.GetValueOrDefault(id), findResolved: id => _ended.GetValueOrDefault(id));
        _book.Open("mint", AccountKind.Treasury, mayGoNegative: true, "", nowMs: 0);
        _book.Open("ann", AccountKind.Wallet, mayGoNegative: false, "", nowMs: 0);
        _book.Open("bob", AccountKind.Wallet, mayGoNegative: false, "", nowMs: 0);
        Assert.Equal(PostingStatus.Posted, _book.Post(Batch(TransferCode.Deposit, new Leg("mint", "ann", 100)), 0).Status);
    }

    [Fact]
    public void What_is_held_cannot_be_spent_and_is_still_in_the_balance()
    {
        Hold(70);
        Assert.Equal((100, 70, 30), (Ann.Balance, Ann.Held, Ann.Available));
        Assert.Equal(PostingStatus.InsufficientCredits, Tip(31));
        Assert.Equal(PostingStatus.InsufficientCredits, _book.Hold(Withdrawal(31), expiresAtMs: 10, nowMs: 0).Status);
        Assert.Equal(PostingStatus.Posted, Tip(30));
        Assert.Equal((70, 70, 0), (Ann.Balance, Ann.Held, Ann.Available));
    }

    [Fact]
    public void A_hold_is_posted_once_and_moves_what_was_held()
    {
        var hold = Hold(70);
        Tip(30);
        var post = Resolution();
        Assert.Equal(PostingStatus.Posted, Post(post, hold));
        // 100 came in, 70 went out.
        Assert.Equal((0, 0, -30), (Ann.Balance, Ann.Held, Mint.Balance));
        // The same request again is the same answer; another commit of the same hold is none.
        Assert.Equal(PostingStatus.Exists, Post(post, hold));
        Assert.Equal(PostingStatus.PendingAlreadyPosted, Post(Resolution(), hold));
        Assert.Equal(PostingStatus.PendingAlreadyPosted, Void(Resolution(), hold));
        Assert.Equal((0, 0), (Ann.Balance, Ann.Held));
        Assert.Equal(0, _book.Sum());
    }

    [Fact]
    public void A_voided_hold_is_free_again_and_cannot_be_posted()
    {
        var hold = Hold(70);
        Assert.Equal(PostingStatus.Posted, Void(Resolution(), hold));
        Assert.Equal((100, 0), (Ann.Balance, Ann.Held));
        Assert.Equal(PostingStatus.PendingAlreadyVoided, Post(Resolution(), hold));
        Assert.Equal(PostingStatus.PendingAlreadyVoided, Void(Resolution(), hold));
    }

    [Fact]
    public void At_its_time_a_hold_is_over_and_not_a_millisecond_before()
    {
        var hold = Hold(70, expiresAtMs: 1_000);
        Assert.Empty(_book.Expire(999));
        Assert.Equal(70, Ann.Held);
        // Who comes in time by the clock but after the moment is refused, also before anybody tidied up.
        Assert.Equal(PostingStatus.PendingExpired, Post(Resolution(), hold, nowMs: 1_000));
        var expired = Assert.Single(_book.Expire(1_000));
        _ended[hold] = expired;
        Assert.Equal((hold, PendingState.Expired, 0L), (expired.Id, expired.State, Ann.Held));
        Assert.Equal(PostingStatus.PendingExpired, Post(Resolution(), hold, nowMs: 1_000));
        Assert.Equal(PostingStatus.PendingExpired, Void(Resolution(), hold, nowMs: 1_000));
        Assert.Empty(_book.Expire(1_000_000));
        Assert.Equal(PostingStatus.Posted, Tip(100));
    }

    [Fact]
    public void A_hold_in_its_last_millisecond_is_posted()
    {
        var hold = Hold(70, expiresAtMs: 1_000);
        Assert.Equal(PostingStatus.Posted, Post(Resolution(), hold, nowMs: 999));
        Assert.Empty(_book.Expire(1_000));
        Assert.Equal((30, 0), (Ann.Balance, Ann.Held));
    }

    [Fact]
    public void Nothing_leaves_a_frozen_account_and_what_comes_arrives()
    {
        var hold = Hold(20);
        Book.Freeze(Ann, frozen: true);
        Assert.Equal(PostingStatus.AccountFrozen, Tip(1));
        Assert.Equal(PostingStatus.AccountFrozen, Post(Resolution(), hold));
        Assert.Equal(PostingStatus.AccountFrozen, _book.Hold(Withdrawal(1), expiresAtMs: 10, nowMs: 0).Status);
        Assert.Equal((100, 20), (Ann.Balance, Ann.Held));
        Assert.Equal(PostingStatus.Posted, _book.Post(Batch(TransferCode.Relay, new Leg("mint", "ann", 5)), 0).Status);
        Book.Freeze(Ann, frozen: false);
        Assert.Equal(PostingStatus.Posted, Post(Resolution(), hold));
        Assert.Equal((85, 0), (Ann.Balance, Ann.Held));
    }

    [Fact]
    public void A_hold_of_a_frozen_account_can_be_given_up()
    {
        var hold = Hold(20);
        Book.Freeze(Ann, frozen: true);
        Assert.Equal(PostingStatus.Posted, Void(Resolution(), hold));
        Assert.Equal((100, 0), (Ann.Balance, Ann.Held));
    }

    /// <summary>Every status that one request can get at once, in the documented order: each is made to apply together with all that follow.</summary>
    [Fact]
    public void Answers_come_in_their_documented_order()
    {
        var used = Batch(TransferCode.Tip, new Leg("ann", "bob", 1));
        _book.Post(used, 0);
        Book.Freeze(Ann, frozen: true);
        var mess = used with { Content = Guid.Empty, Code = TransferCode.Withdrawal, Legs = [new Leg("ann", "ann", 0)] };
        Assert.Equal(PostingStatus.InvalidAmount, _book.Hold(mess, expiresAtMs: 0, nowMs: 0).Status);
        mess = mess with { Legs = [new Leg("ann", "ann", 1_000)] };
        Assert.Equal(PostingStatus.SameAccount, _book.Hold(mess, expiresAtMs: 0, nowMs: 0).Status);
        mess = mess with { Legs = [new Leg("ann", "nobody", 1_000)] };
        Assert.Equal(PostingStatus.InvalidExpiry, _book.Hold(mess, expiresAtMs: 0, nowMs: 0).Status);
        Assert.Equal(PostingStatus.Exists, _book.Hold(mess with { Content = used.Content }, expiresAtMs: 1, nowMs: 0).Status);
        Assert.Equal(PostingStatus.ExistsWithDifferentCode, _book.Hold(mess, expiresAtMs: 1, nowMs: 0).Status);
        mess = mess with { Code = TransferCode.Tip };
        Assert.Equal(PostingStatus.ExistsWithDifferentAmount, _book.Post(mess, 0).Status);
        Assert.Equal(PostingStatus.ExistsWithDifferentContent, _book.Post(mess with { Legs = [new Leg("ann", "nobody", 1)] }, 0).Status);
        Assert.Equal(PostingStatus.UnknownPending, Post(Resolution(), Guid.Empty));
        mess = mess with { Id = new Guid(77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) };
        Assert.Equal(PostingStatus.UnknownAccount, _book.Post(mess, 0).Status);
        mess = mess with { Legs = [new Leg("ann", "bob", 1_000)] };
        Assert.Equal(PostingStatus.AccountFrozen, _book.Post(mess, 0).Status);
        Book.Freeze(Ann, frozen: false);
        Assert.Equal(PostingStatus.InsufficientCredits, _book.Post(mess, 0).Status);
        Assert.Equal((99, 1), (Ann.Balance, _book.Find("bob")!.Balance));
    }

    [Fact]
    public void The_id_of_a_hold_belongs_to_its_amount()
    {
        var hold = Withdrawal(70);
        _book.Hold(hold, expiresAtMs: 10, nowMs: 0);
        Assert.Equal(PostingStatus.Exists, _book.Hold(hold, expiresAtMs: 99, nowMs: 5).Status);
        Assert.Equal(70, Ann.Held);
        Assert.Equal(PostingStatus.ExistsWithDifferentAmount, _book.Hold(hold with { Content = Guid.Empty, Legs = [new Leg("ann", "mint", 71)] }, expiresAtMs: 10, nowMs: 0).Status);
        Assert.Equal(PostingStatus.ExistsWithDifferentContent, _book.Hold(hold with { Content = Guid.Empty }, expiresAtMs: 10, nowMs: 0).Status);
    }

    private Account Ann => _book.Find("ann")!;

    private Account Mint => _book.Find("mint")!;

    private Guid Hold(long amount, long expiresAtMs = 1_000_000)
    {
        var batch = Withdrawal(amount);
        Assert.Equal(PostingStatus.Posted, _book.Hold(batch, expiresAtMs, nowMs: 0).Status);
        return batch.Id;
    }

    private PostingStatus Tip(long amount) => _book.Post(Batch(TransferCode.Tip, new Leg("ann", "bob", amount)), 0).Status;

    private PostingStatus Post(TransferBatch resolution, Guid hold, long nowMs = 0) => Keep(_book.PostPending(resolution, hold, nowMs));

    private PostingStatus Void(TransferBatch resolution, Guid hold, long nowMs = 0) => Keep(_book.VoidPending(resolution, hold, nowMs));

    private PostingStatus Keep(Posting posting)
    {
        if (posting.Pending is { } ended)
            _ended[ended.Id] = ended;
        return posting.Status;
    }

    private TransferBatch Withdrawal(long amount) => Batch(TransferCode.Withdrawal, new Leg("ann", "mint", amount));

    private TransferBatch Resolution() => Batch(TransferCode.Withdrawal);

    private TransferBatch Batch(TransferCode code, params Leg[] legs)
    {
        var id = new Guid(++_next, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0);
        return new TransferBatch(id, id, code, "test", "", null, legs);
    }
}
