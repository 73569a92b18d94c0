using Beacon.Ledger.Books;

namespace Beacon.Ledger.Tests;

/// <summary>Thousands of random batches against a model that is too simple to be wrong: a dictionary of balances and one of ids.</summary>
public sealed class BookModelTests
{
    private const int Accounts = 12;

    [Theory]
    [InlineData(1)]
    [InlineData(7_919)]
    [InlineData(20_260_714)]
    public void The_book_agrees_with_the_model(int seed)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var journal = new Dictionary<Guid, PostedBatch>();
        var book = new Book([], 0, 0, recentTransfersKept: 50, id => journal.GetValueOrDefault(id));
        var balances = new Dictionary<string, long>();
        for (var i = 0; i < Accounts; i++)
        {
            book.Open($"a{i}", i == 0 ? AccountKind.Treasury : AccountKind.Wallet, mayGoNegative: i == 0, "", 0);
            balances[$"a{i}"] = 0;
        }

        var sent = new List<TransferBatch>();
        var answers = new Dictionary<PostingStatus, int>();
        for (var round = 0; round < 20_000; round++)
        {
            var batch = Draw(random, sent);
            var expected = Model(balances, journal, batch, out var after);
            var posting = book.Post(batch, round);
            Assert.Equal(expected, posting.Status);
            answers[expected] = answers.GetValueOrDefault(expected) + 1;
            if (posting.Status == PostingStatus.Exists)
                Assert.Equal(journal[batch.Id].Sequence, posting.Batch!.Sequence);
            if (posting.Status == PostingStatus.Posted)
            {
                balances = after;
                journal[batch.Id] = posting.Batch!;
                sent.Add(batch);
            }

            foreach (var account in book.Accounts)
            {
                Assert.Equal(balances[account.Id], account.Balance);
                Assert.True(account.MayGoNegative || account.Balance >= 0);
            }

            Assert.Equal(0, book.Sum());
        }

        // Every answer occurred, or the draw is too tame to show anything.
        Assert.Equal(
            [PostingStatus.Posted, PostingStatus.InvalidAmount, PostingStatus.SameAccount, PostingStatus.Exists, PostingStatus.ExistsWithDifferentContent, PostingStatus.UnknownAccount, PostingStatus.InsufficientCredits],
            answers.Keys.Order());
        AssertReplay(journal.Values, balances);
    }

    private static TransferBatch Draw(Random random, List<TransferBatch> sent)
    {
        if (sent.Count > 0 && random.Next(10) == 0)
        {
            var old = sent[random.Next(sent.Count)];
            return random.Next(3) == 0 ? old with { Content = Guid.NewGuid() } : old;
        }

        var id = new byte[16];
        random.NextBytes(id);
        var legs = Enumerable.Range(0, random.Next(0, 5)).Select(_ => new Leg(
            $"a{random.Next(Accounts)}",
            $"a{(random.Next(60) == 0 ? Accounts : random.Next(Accounts))}",
            random.Next(80) == 0 ? -random.NextInt64(2) : random.NextInt64(1, 1_000)));
        return new TransferBatch(new Guid(id), new Guid(id), TransferCode.Tip, "", "", null, [.. legs]);
    }

    private static PostingStatus Model(Dictionary<string, long> balances, Dictionary<Guid, PostedBatch> journal, TransferBatch batch, out Dictionary<string, long> after)
    {
        after = new Dictionary<string, long>(balances);
        if (batch.Legs.Any(leg => leg.Amount < 1))
            return PostingStatus.InvalidAmount;
        if (batch.Legs.Any(leg => leg.DebitAccountId == leg.CreditAccountId))
            return PostingStatus.SameAccount;
        if (journal.TryGetValue(batch.Id, out var first))
            return first.Content == batch.Content ? PostingStatus.Exists : PostingStatus.ExistsWithDifferentContent;
        if (batch.Legs.Any(leg => !balances.ContainsKey(leg.DebitAccountId) || !balances.ContainsKey(leg.CreditAccountId)))
            return PostingStatus.UnknownAccount;
        foreach (var leg in batch.Legs)
        {
            after[leg.DebitAccountId] -= leg.Amount;
            after[leg.CreditAccountId] += leg.Amount;
            if (leg.DebitAccountId != "a0" && after[leg.DebitAccountId] < 0)
                return PostingStatus.InsufficientCredits;
        }

        return PostingStatus.Posted;
    }

    private static void AssertReplay(IEnumerable<PostedBatch> journal, Dictionary<string, long> balances)
    {
        var replayed = balances.Keys.ToDictionary(id => id, _ => 0L);
        var sequence = 0L;
        foreach (var transfer in journal.OrderBy(batch => batch.Sequence).SelectMany(batch => batch.Transfers))
        {
            Assert.Equal(++sequence, transfer.Sequence);
            Assert.Equal(replayed[transfer.Debit.Id] -= transfer.Amount, transfer.DebitBalance);
            Assert.Equal(replayed[transfer.Credit.Id] += transfer.Amount, transfer.CreditBalance);
        }

        Assert.Equal(balances, replayed);
    }
}
