using Beacon.Ledger.Books;

namespace Beacon.Ledger.Tests;

public sealed class SplitTests
{
    [Fact]
    public void One_microcredit_over_seven_goes_whole_to_the_first() =>
        Assert.Equal([1, 0, 0, 0, 0, 0, 0], Split.ByWeights(1, [1, 1, 1, 1, 1, 1, 1]));

    [Fact]
    public void What_is_left_goes_to_the_largest_remainder() =>
        // 10 × 26/100 = 2.6, 10 × 31/100 = 3.1, 10 × 43/100 = 4.3
        Assert.Equal([3, 3, 4], Split.ByWeights(10, [26, 31, 43]));

    [Fact]
    public void Equal_remainders_are_served_in_the_order_given() =>
        Assert.Equal([34, 33, 33], Split.ByWeights(100, [1, 1, 1]));

    [Fact]
    public void A_weight_of_zero_gets_nothing() => Assert.Equal([0, 5], Split.ByWeights(5, [0, 3]));

    [Fact]
    public void Nothing_is_divided_into_nothings() => Assert.Equal([0, 0], Split.ByWeights(0, [1, 2]));

    [Fact]
    public void The_largest_amount_and_the_largest_weights_do_not_overflow() =>
        Assert.Equal([long.MaxValue / 2 + 1, long.MaxValue / 2], Split.ByWeights(long.MaxValue, [long.MaxValue, long.MaxValue]));

    [Fact]
    public void No_weight_at_all_is_a_mistake_of_the_program()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Split.ByWeights(1, [0, 0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Split.ByWeights(1, [2, -1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Split.ByWeights(-1, [1]));
    }

    [Theory]
    [InlineData(20_261)]
    public void Parts_add_up_and_stay_within_one_of_the_proportion(int seed)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 5_000; round++)
        {
            var weights = Enumerable.Range(0, random.Next(1, 17)).Select(_ => random.NextInt64(0, 10_001)).Append(1).ToArray();
            var amount = random.NextInt64(0, Amounts.Max + 1);
            var parts = Split.ByWeights(amount, weights);
            Assert.Equal(amount, parts.Sum());
            var total = weights.Sum();
            for (var i = 0; i < parts.Length; i++)
            {
                var floor = (long)((Int128)amount * weights[i] / total);
                Assert.InRange(parts[i], floor, floor + 1);
            }
        }
    }
}
