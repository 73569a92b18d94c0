using Beacon.Benchmarks.Model;
using Beacon.Ledger.Books;
using FsCheck;
using FsCheck.Fluent;

namespace Beacon.Ledger.Tests;

/// <summary>
/// A thousand histories of two hundred operations, against a model. After each: the same answer, the same balances and holds,
/// nobody below the floor, the sum zero. <c>bench/Beacon.Benchmarks -- ledger-model</c> plays any number of them.
/// </summary>
public sealed class BookProperties(ITestOutputHelper output)
{
    private const int Sequences = 1_000;
    private const int Steps = 200;

    [Theory]
    [InlineData(20_260_714UL, 3UL)]
    public void The_book_agrees_with_the_model_after_every_operation(ulong seed, ulong gamma)
    {
        output.WriteLine($"seed ({seed}, {gamma})");
        var answers = new HashSet<PostingStatus>();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(Sequences).WithReplay(seed, gamma), Prop.ForAll(Histories(), steps =>
        {
            var run = new BookRun();
            for (var i = 0; i < steps.Length; i++)
            {
                if (run.Play(steps[i]) is { } difference)
                    Assert.Fail($"After step {i}, {steps[i]}: {difference}");
            }

            answers.UnionWith(run.Answers.Keys);
        }));
        // Every answer occurred, or the draw is too tame to show anything. A balance of 64 bits is not reached in two hundred steps.
        Assert.Equal(Enum.GetValues<PostingStatus>().Where(status => status != PostingStatus.BalanceOverflow), answers.Order());
    }

    private static Arbitrary<Step[]> Histories() => Arb.From(Gen.ArrayOf(
        from kind in Gen.Choose(0, 99)
        from who in Gen.Choose(0, 9_999)
        from amount in Gen.Choose(0, 9_999)
        select new Step(kind, who, amount),
        Steps));
}
