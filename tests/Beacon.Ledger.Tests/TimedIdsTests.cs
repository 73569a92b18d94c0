using Beacon.Ledger.Books;

namespace Beacon.Ledger.Tests;

public sealed class TimedIdsTests
{
    [Theory]
    [InlineData(4_711)]
    public void Whatever_the_callers_clocks_say_no_id_is_called_new_twice(int seed)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var helped = 0;
        for (var round = 0; round < 200; round++)
        {
            var ids = new TimedIds(random.Next(1, 20), 1_000, 100_000);
            var journal = new HashSet<Guid>();
            var made = new List<Guid>();
            for (var nowMs = 900L; nowMs < 1_400; nowMs++)
            {
                // Most clocks are right; some are behind, some far ahead; some ids have no time.
                var timeMs = random.Next(10) switch { 0 => nowMs - random.Next(200), 1 => nowMs + random.Next(random.Next(200_000)), _ => nowMs };
                var id = made.Count > 0 && random.Next(4) == 0 ? made[random.Next(made.Count)] : random.Next(20) == 0 ? Guid.NewGuid() : Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(timeMs));
                if (ids.IsNew(id))
                {
                    helped++;
                    Assert.DoesNotContain(id, journal);
                }

                made.Add(id);
                if (random.Next(5) > 0 && journal.Add(id))
                    ids.Add(id);
            }
        }

        Assert.True(helped > 1_000, $"of 100,000 ids {helped} were known to be new");
    }

    [Fact]
    public void Right_clocks_are_helped_while_the_oldest_half_is_forgotten()
    {
        var ids = new TimedIds(100, 1_000, 10_000);
        for (var nowMs = 1_000L; nowMs < 9_000; nowMs++)
        {
            var id = Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(nowMs));
            Assert.True(ids.IsNew(id));
            ids.Add(id);
            Assert.False(ids.IsNew(id));
        }
    }

    [Theory]
    [InlineData(999, false)]
    [InlineData(1_000, true)]
    [InlineData(9_999, true)]
    [InlineData(10_000, false)]
    public void Nothing_is_known_of_ids_before_and_after(long timeMs, bool isNew) =>
        Assert.Equal(isNew, new TimedIds(10, 1_000, 10_000).IsNew(Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(timeMs))));

    [Fact]
    public void An_id_says_its_time()
    {
        var id = Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(1_234_567_890_123));
        Assert.Equal(1_234_567_890_123, TimedIds.TimeOf(id));
        Assert.True(TimedIds.FirstOf(1_234_567_890_123).ToByteArray(bigEndian: true).AsSpan().SequenceCompareTo(id.ToByteArray(bigEndian: true)) < 0);
        Assert.True(TimedIds.FirstOf(1_234_567_890_124).ToByteArray(bigEndian: true).AsSpan().SequenceCompareTo(id.ToByteArray(bigEndian: true)) > 0);
        Assert.Null(TimedIds.TimeOf(DerivedId.Of("x")));
    }

    [Fact]
    public void Ids_of_a_moment_are_near_each_other_and_not_on_one_another()
    {
        const long NowMs = 1_234_567_890_123;
        int[] Hashes(long timeMs) => [.. Enumerable.Range(0, 20_000).Select(_ => IdsByTime.Comparer.GetHashCode(Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(timeMs))))];
        var (now, soon) = (Hashes(NowMs), Hashes(NowMs + 10));
        Assert.InRange(now.Distinct().Count(), 4_000, 4_096);
        Assert.Equal(640, soon.Min() - now.Min(), 64.0);
        Assert.Equal(640, soon.Max() - now.Max(), 64.0);
    }
}
