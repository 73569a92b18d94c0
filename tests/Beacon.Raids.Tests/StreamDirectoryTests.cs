using Beacon.Raids.Streams;
using Microsoft.Extensions.Options;

namespace Beacon.Raids.Tests;

public sealed class StreamDirectoryTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>, IAsyncLifetime
{
    private const int Seed = 20_261_129;
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly StreamDirectory _directory = new(garnet.Redis, Options.Create(new RaidsOptions()));

    public async ValueTask InitializeAsync() => await garnet.ClearAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_started_stream_is_listed_without_viewers_and_with_its_roots_slot()
    {
        await _directory.StartedAsync(Entry("a"));
        Assert.Equal([Entry("a") with { Viewers = 0, SpareSlots = 1 }], await AllAsync());
    }

    [Fact]
    public async Task The_audience_follows_and_a_repeated_start_keeps_it()
    {
        await _directory.StartedAsync(Entry("a"));
        Assert.True(await _directory.AudienceAsync("a", 12, 3, Noon));
        await _directory.StartedAsync(Entry("a"));
        Assert.Equal([Entry("a") with { Viewers = 12, SpareSlots = 3 }], await AllAsync());
    }

    [Fact]
    public async Task The_audience_of_a_stream_that_nobody_announced_makes_no_entry()
    {
        Assert.False(await _directory.AudienceAsync("a", 12, 3, Noon));
        Assert.Empty(await AllAsync());
    }

    [Fact]
    public async Task An_ended_stream_does_not_come_back_by_late_facts()
    {
        await _directory.StartedAsync(Entry("a"));
        Assert.True(await _directory.EndedAsync("a", "channel-a", Noon.AddMinutes(5)));
        Assert.False(await _directory.AudienceAsync("a", 4, 1, Noon));
        Assert.False(await _directory.StartedAsync(Entry("a")));
        Assert.False(await _directory.SeenAsync(Entry("a")));
        Assert.Empty(await AllAsync());
    }

    [Fact]
    public async Task An_end_that_overtakes_the_start_wins()
    {
        await _directory.EndedAsync("a", "channel-a", Noon.AddMinutes(5));
        Assert.False(await _directory.StartedAsync(Entry("a")));
        Assert.Empty(await AllAsync());
    }

    [Fact]
    public async Task A_resumed_stream_comes_back_and_a_late_copy_of_the_former_end_does_not_take_it_out()
    {
        await _directory.StartedAsync(Entry("a"));
        await _directory.EndedAsync("a", "channel-a", Noon.AddMinutes(5));
        var again = Entry("a") with { StartedAt = Noon.AddMinutes(6) };
        Assert.True(await _directory.StartedAsync(again));
        Assert.False(await _directory.EndedAsync("a", "channel-a", Noon.AddMinutes(5)));
        Assert.Equal([again with { Viewers = 0, SpareSlots = 1 }], await AllAsync());
    }

    /// <summary>Two lives of one stream, each with its start and its end; the last end is there in every other round.</summary>
    [Fact]
    public async Task In_whatever_order_and_however_often_the_facts_of_two_lives_arrive_the_later_life_decides()
    {
        var random = new SeededRandomness(Seed);
        for (var round = 0; round < 300; round++)
        {
            var (first, isOver) = (Entry($"s{round}"), round % 2 == 0);
            var second = first with { Title = "Again", StartedAt = Noon.AddMinutes(6) };
            (string Name, Func<Task> Tell)[] facts =
            [
                ("start 1", () => _directory.StartedAsync(first)),
                ("seen 1", () => _directory.SeenAsync(first)),
                ("end 1", () => _directory.EndedAsync(first.StreamId, first.Channel, Noon.AddMinutes(5))),
                ("start 2", () => _directory.StartedAsync(second)),
                .. isOver ? [("end 2", (Func<Task>)(() => _directory.EndedAsync(first.StreamId, first.Channel, Noon.AddMinutes(9))))] : Array.Empty<(string, Func<Task>)>(),
            ];
            var told = facts.SelectMany(fact => Enumerable.Repeat(fact, 1 + (int)(random.Next() % 2))).OrderBy(_ => random.Next()).ToList();
            foreach (var (_, tell) in told)
                await tell();
            var left = await _directory.FindAsync(first.StreamId);
            Assert.True(
                isOver ? left is null : left is { Title: "Again" } && left.StartedAt == second.StartedAt,
                $"seed {Seed}, round {round}: {string.Join(", ", told.Select(fact => fact.Name))} leave {left}");
        }
    }

    [Fact]
    public async Task A_forgotten_stream_comes_back_with_its_next_fact()
    {
        await _directory.SeenAsync(Entry("a"));
        Assert.True(await _directory.ForgetAsync("a", "channel-a"));
        Assert.False(await _directory.ForgetAsync("a", "channel-a"));
        Assert.Empty(await AllAsync());
        Assert.True(await _directory.SeenAsync(Entry("a")));
        Assert.Equal([Entry("a")], await AllAsync());
    }

    [Fact]
    public async Task An_end_is_remembered_as_long_as_the_option_says()
    {
        await _directory.EndedAsync("a", "channel-a", Noon);
        var left = await garnet.Redis.GetDatabase().KeyTimeToLiveAsync(DirectoryKeys.Ended("a"));
        Assert.InRange(left!.Value.TotalSeconds, 3_590, 3_600);
    }

    [Fact]
    public async Task Pages_go_from_most_viewers_to_least_and_by_id_among_equals()
    {
        foreach (var (id, viewers) in new[] { ("b", 5), ("a", 5), ("c", 70), ("d", 0), ("e", 1_000_000) })
            await _directory.SeenAsync(Entry(id) with { Viewers = viewers });
        List<string> seen = [];
        var after = "";
        List<int> sizes = [];
        do
        {
            var (page, last) = await _directory.ListAsync(after, 2, StreamSearch.All);
            seen.AddRange(page.Select(stream => stream.StreamId));
            sizes.Add(page.Count);
            after = last ?? "";
        }
        while (after.Length > 0);
        Assert.Equal(["e", "c", "a", "b", "d"], seen);
        Assert.Equal([2, 2, 1], sizes);
    }

    [Fact]
    public async Task The_next_page_goes_on_where_a_stream_stood_that_is_gone_since()
    {
        foreach (var (id, viewers) in new[] { ("a", 30), ("b", 20), ("c", 10) })
            await _directory.SeenAsync(Entry(id) with { Viewers = viewers });
        var (first, last) = await _directory.ListAsync("", 2, StreamSearch.All);
        Assert.Equal(["a", "b"], first.Select(stream => stream.StreamId));
        await _directory.EndedAsync("b", "channel-b", Noon.AddHours(1));
        var (second, end) = await _directory.ListAsync(last!, 2, StreamSearch.All);
        Assert.Equal(["c"], second.Select(stream => stream.StreamId));
        Assert.Null(end);
    }

    [Fact]
    public async Task Many_changes_at_once_leave_one_place_in_the_index()
    {
        await _directory.StartedAsync(Entry("a"));
        await Task.WhenAll(Enumerable.Range(0, 500).Select(viewers => _directory.AudienceAsync("a", viewers, 1, Noon)));
        Assert.Single(await _directory.RanksAsync());
        Assert.Single(await AllAsync());
    }

    private async Task<IReadOnlyList<StreamEntry>> AllAsync() => (await _directory.ListAsync("", 200, StreamSearch.All)).Streams;

    private static StreamEntry Entry(string id) => new(id, $"channel-{id}", $"Title of {id}", $"account-{id}", Noon, Viewers: 2, SpareSlots: 4);
}
