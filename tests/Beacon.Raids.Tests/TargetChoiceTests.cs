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
        var random = new SeededRandomness(Seed);
        AssertFollowsWeights(weighting, _ => random.Next());
    }

    [Fact]
    public void Ten_thousand_draws_from_committed_seeds_follow_the_weights() =>
        AssertFollowsWeights(TargetWeighting.SmallFirst, round => DrawProof.Bits(Hex(round / 4), round % 4));

    [Fact]
    public void Hundredfold_audience_has_a_tenth_of_the_chance_when_small_comes_first()
    {
        Assert.Equal(1_000_000, Weight(Live("small", viewers: 0), TargetWeighting.SmallFirst));
        Assert.Equal(100_000, Weight(Live("large", viewers: 99), TargetWeighting.SmallFirst));
        Assert.Equal(1, Weight(Live("large", viewers: 99), TargetWeighting.Uniform));
    }

    [Theory]
    [InlineData("chess", "de", 8_000_000)]
    [InlineData("chess", "en", 2_000_000)]
    [InlineData("cooking", "de", 4_000_000)]
    [InlineData("cooking", "", 1_000_000)]
    public void A_shared_tag_and_the_same_language_weigh_more(string tag, string language, long expected)
    {
        var source = Source with { Rules = new ChannelRules { Tags = ["go", "chess"], Language = "de" } };
        var stream = Live("s") with { Rules = new ChannelRules { Tags = [tag], Language = language } };
        Assert.Equal(expected, TargetChoice.Weight(stream, source, new WeightRules(TargetWeighting.SmallFirst, TagFactor: 2, LanguageFactor: 4)));
        Assert.Equal(1, TargetChoice.Weight(stream, source, new WeightRules(TargetWeighting.Uniform, TagFactor: 2, LanguageFactor: 4)));
    }

    [Fact]
    public void No_draw_gives_the_source_its_channel_a_leaving_stream_or_one_that_does_not_accept()
    {
        var random = new SeededRandomness(Seed);
        var drawn = 0;
        for (var round = 0; round < 10_000; round++)
        {
            var live = Enumerable.Range(0, (int)(random.Next() % 6)).Select(index => Live($"s{index}", $"c{random.Next() % 6}", (int)(random.Next() % 100), (int)(random.Next() % 2)) with
            {
                IsLeaving = random.Next() % 4 == 0,
                CoolsDown = random.Next() % 4 == 0,
                Rules = new ChannelRules
                {
                    Accepts = (RaidConsent)(random.Next() % 3),
                    Followed = random.Next() % 2 == 0 ? ["c0"] : [],
                    Blocked = random.Next() % 4 == 0 ? ["c0"] : [],
                    MinViewers = (int)(random.Next() % 8),
                    MaxViewers = (int)(random.Next() % 8),
                },
            }).ToList();
            var source = new RaidSource("s0", "c0", Viewers: 5, new ChannelRules { Blocked = random.Next() % 2 == 0 ? ["c3"] : [] }, random.Next() % 2 == 0 ? "c1" : null);
            List<WeightedTarget> among = [.. TargetChoice.Eligible(live, source).Select(candidate => new WeightedTarget(candidate.Stream.StreamId, 1))];
            if (TargetChoice.Draw(among, random.Next()) is not { } target)
                continue;
            drawn++;
            var chosen = live.First(candidate => candidate.Stream.StreamId == target.StreamId);
            var (rules, channel) = (chosen.Rules, chosen.Stream.Channel);
            Assert.True(
                target.StreamId != "s0" && channel != "c0" && !chosen.IsLeaving && !chosen.CoolsDown && !source.Rules.Blocked.Contains(channel)
                && rules.Accepts != RaidConsent.None && !rules.Blocked.Contains("c0") && (rules.Accepts == RaidConsent.All || rules.Followed.Contains("c0"))
                && rules.MinViewers <= 5 && rules.MaxViewers is 0 or >= 5,
                $"seed {Seed}, round {round}: {chosen}");
        }

        output.WriteLine($"seed {Seed}, {drawn} of 10,000 rounds had a target");
        Assert.InRange(drawn, 500, 9_500);
    }

    [Theory]
    [InlineData(RaidConsent.None, 5, RaidRefusal.Closed)]
    [InlineData(RaidConsent.Followed, 5, RaidRefusal.NotFollowed)]
    [InlineData(RaidConsent.All, 4, RaidRefusal.TooFewViewers)]
    [InlineData(RaidConsent.All, 5, null)]
    [InlineData(RaidConsent.All, 10, null)]
    [InlineData(RaidConsent.All, 11, RaidRefusal.TooManyViewers)]
    public void A_channel_refuses_with_a_precise_reason(RaidConsent accepts, int viewers, RaidRefusal? expected)
    {
        var rules = new ChannelRules { Accepts = accepts, MinViewers = 5, MaxViewers = 10 };
        Assert.Equal(expected, rules.Refuses("home", viewers));
        Assert.Equal(accepts == RaidConsent.None ? RaidRefusal.Closed : RaidRefusal.Blocked, (rules with { Blocked = ["home"], Followed = ["home"] }).Refuses("home", viewers));
    }

    [Fact]
    public void The_last_target_is_left_out_while_there_is_another_with_room()
    {
        var other = Live("other");
        Assert.Equal([other], TargetChoice.Eligible([Live("last", "before"), other, Live("full", spare: 0)], Source with { LastTargetChannel = "before" }));
    }

    [Fact]
    public void The_last_target_comes_back_before_a_full_one_is_taken()
    {
        var last = Live("last", "before");
        Assert.Equal([last], TargetChoice.Eligible([last, Live("full", spare: 0)], Source with { LastTargetChannel = "before" }));
    }

    [Fact]
    public void Full_streams_are_taken_when_nothing_has_room()
    {
        var last = Live("last", "before", spare: 0);
        var full = Live("full", spare: 0);
        Assert.Equal([last, full], TargetChoice.Eligible([last, full], Source with { LastTargetChannel = "before" }));
    }

    [Theory]
    [InlineData(0UL, "a")]
    [InlineData(ulong.MaxValue / 2, "a")]
    [InlineData((ulong.MaxValue / 2) + 1, "b")]
    [InlineData(ulong.MaxValue, "b")]
    public void The_draw_is_a_function_of_its_bits(ulong bits, string expected) =>
        Assert.Equal(expected, TargetChoice.Draw([new WeightedTarget("a", 1), new WeightedTarget("b", 1)], bits)!.StreamId);

    [Fact]
    public void A_draw_can_be_checked_with_its_seed_and_a_made_up_one_is_found_out()
    {
        List<WeightedTarget> candidates = [.. Enumerable.Range(1, 20).Select(index => new WeightedTarget($"s{index}", index * 10))];
        var seed = Hex(7);
        var first = TargetChoice.Draw(candidates, DrawProof.Bits(seed, 3))!;
        var second = TargetChoice.Draw([.. candidates.Where(candidate => candidate != first)], DrawProof.Bits(seed, 4))!;
        var draw = new TargetDraw(candidates, [new DrawStep(3, first.StreamId, "gone"), new DrawStep(4, second.StreamId, "taken")]);
        Assert.True(DrawProof.IsTrue(draw, seed));
        Assert.False(DrawProof.IsTrue(draw, Hex(8)));
        Assert.False(DrawProof.IsTrue(draw with { Steps = [draw.Steps[0], draw.Steps[1] with { StreamId = first.StreamId }] }, seed));
    }

    /// <summary>Made with another implementation, so that a client can rely on the page.</summary>
    [Fact]
    public void Commitment_and_bits_are_as_documented()
    {
        const string zeros = "0000000000000000000000000000000000000000000000000000000000000000";
        Assert.Equal("66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925", DrawProof.Commitment(zeros));
        Assert.Equal(3299872068851606396UL, DrawProof.Bits(zeros, 0));
        Assert.Equal(3465908425204436747UL, DrawProof.Bits(zeros, 1));
    }

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

    private void AssertFollowsWeights(TargetWeighting weighting, Func<int, ulong> bits)
    {
        List<WeightedTarget> streams = [.. Audiences.Select((viewers, index) => new WeightedTarget($"s{index}", Weight(Live($"s{index}", viewers: viewers), weighting)))];
        double total = streams.Sum(stream => stream.Weight);
        var drawn = Enumerable.Range(0, 10_000).Select(round => TargetChoice.Draw(streams, bits(round))!.StreamId).CountBy(id => id).ToDictionary();
        var chiSquare = streams.Sum(stream =>
        {
            var expected = 10_000 * stream.Weight / total;
            return Math.Pow(drawn.GetValueOrDefault(stream.StreamId) - expected, 2) / expected;
        });
        output.WriteLine($"seed {Seed}, chi-square {chiSquare:F2}, draws {string.Join(", ", drawn)}");
        Assert.InRange(chiSquare, 0, CriticalAtFourDegrees);
    }

    private static readonly RaidSource Source = new("source", "home", Viewers: 5, ChannelRules.Default, LastTargetChannel: null);

    private static long Weight(Candidate candidate, TargetWeighting weighting) => TargetChoice.Weight(candidate, Source, new WeightRules(weighting));

    private static string Hex(int number) => number.ToString("x64", System.Globalization.CultureInfo.InvariantCulture);

    private static Candidate Live(string id, string? channel = null, int viewers = 0, int spare = 1) =>
        new(new RaidTarget(id, channel ?? $"channel-{id}", id, viewers, spare), ChannelRules.Default);
}
