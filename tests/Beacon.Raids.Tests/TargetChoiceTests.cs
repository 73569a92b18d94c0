using Beacon.Raids.Raid;

namespace Beacon.Raids.Tests;

public sealed class TargetChoiceTests(ITestOutputHelper output)
{
    private const int Seed = 20_261_123;
    private static readonly int[] Audiences = [0, 3, 24, 99, 399];

    /// <summary>The chi-square value that 4 degrees of freedom exceed once in a thousand.</summary>
    private const double CriticalAtFourDegrees = 18.467;

    [Theory]
    [InlineData(TargetWeighting.SmallFirst)]
    [InlineData(TargetWeighting.Uniform)]
    public void Ten_thousand_draws_follow_the_weights(TargetWeighting weighting)
    {
        var streams = Audiences.Select((viewers, index) => Stream($"s{index}", viewers: viewers)).ToList();
        double total = streams.Sum(stream => TargetChoice.Weight(stream, weighting));
        var random = new SeededRandomness(Seed);
        var drawn = Enumerable.Range(0, 10_000)
            .Select(_ => TargetChoice.Draw(streams, "source", "home", null, weighting, random.Next())!.StreamId)
            .CountBy(id => id).ToDictionary();
        var chiSquare = streams.Sum(stream =>
        {
            var expected = 10_000 * TargetChoice.Weight(stream, weighting) / total;
            return Math.Pow(drawn.GetValueOrDefault(stream.StreamId) - expected, 2) / expected;
        });
        output.WriteLine($"seed {Seed}, chi-square {chiSquare:F2}, draws {string.Join(", ", drawn)}");
        Assert.InRange(chiSquare, 0, CriticalAtFourDegrees);
    }

    [Fact]
    public void Hundredfold_audience_has_a_tenth_of_the_chance_when_small_comes_first()
    {
        Assert.Equal(1_000_000, TargetChoice.Weight(Stream("small", viewers: 0), TargetWeighting.SmallFirst));
        Assert.Equal(100_000, TargetChoice.Weight(Stream("large", viewers: 99), TargetWeighting.SmallFirst));
        Assert.Equal(1, TargetChoice.Weight(Stream("large", viewers: 99), TargetWeighting.Uniform));
    }

    [Fact]
    public void No_draw_gives_the_source_or_its_channel()
    {
        var random = new SeededRandomness(Seed);
        for (var round = 0; round < 2_000; round++)
        {
            var live = Enumerable.Range(0, (int)(random.Next() % 6))
                .Select(index => Stream($"s{index}", $"c{random.Next() % 4}", (int)(random.Next() % 100), (int)(random.Next() % 2)))
                .ToList();
            var last = random.Next() % 2 == 0 ? "c1" : null;
            var target = TargetChoice.Draw(live, "s0", "c0", last, TargetWeighting.SmallFirst, random.Next());
            var others = live.Where(stream => stream.StreamId != "s0" && stream.Channel != "c0").ToList();
            Assert.Equal(others.Count == 0, target is null);
            Assert.True(target is null || others.Contains(target), $"seed {Seed}, round {round}: {target}");
        }
    }

    [Fact]
    public void The_last_target_is_left_out_while_there_is_another_with_room()
    {
        var last = Stream("last", "before");
        var other = Stream("other");
        var full = Stream("full", spare: 0);
        Assert.Equal([other], TargetChoice.Eligible([last, other, full], "source", "home", "before"));
    }

    [Fact]
    public void The_last_target_comes_back_before_a_full_one_is_taken()
    {
        var last = Stream("last", "before");
        Assert.Equal([last], TargetChoice.Eligible([last, Stream("full", spare: 0)], "source", "home", "before"));
    }

    [Fact]
    public void Full_streams_are_taken_when_nothing_has_room()
    {
        var last = Stream("last", "before", spare: 0);
        var full = Stream("full", spare: 0);
        Assert.Equal([last, full], TargetChoice.Eligible([last, full], "source", "home", "before"));
    }

    [Theory]
    [InlineData(0UL, "a")]
    [InlineData(ulong.MaxValue / 2, "a")]
    [InlineData((ulong.MaxValue / 2) + 1, "b")]
    [InlineData(ulong.MaxValue, "b")]
    public void The_draw_is_a_function_of_its_bits(ulong bits, string expected) =>
        Assert.Equal(expected, TargetChoice.Draw([Stream("a"), Stream("b")], "source", "home", null, TargetWeighting.Uniform, bits)!.StreamId);

    [Fact]
    public void A_sample_is_bounded_and_has_no_item_twice()
    {
        var random = new SeededRandomness(Seed);
        var items = Enumerable.Range(0, 100).ToList();
        var sample = TargetChoice.Sample(items, 40, random.Next);
        Assert.Equal(40, sample.Distinct().Count());
        Assert.Same(items, TargetChoice.Sample(items, 100, random.Next));
    }

    [Fact]
    public void Each_item_has_the_same_chance_to_be_in_a_sample()
    {
        var random = new SeededRandomness(Seed);
        var counts = Enumerable.Range(0, 5_000).SelectMany(_ => TargetChoice.Sample([0, 1, 2, 3, 4], 2, random.Next)).CountBy(item => item).ToDictionary();
        var chiSquare = Enumerable.Range(0, 5).Sum(item => Math.Pow(counts[item] - 2_000, 2) / 2_000);
        Assert.InRange(chiSquare, 0, CriticalAtFourDegrees);
    }

    private static RaidTarget Stream(string id, string? channel = null, int viewers = 0, int spare = 1) =>
        new(id, channel ?? $"channel-{id}", id, viewers, spare);
}
