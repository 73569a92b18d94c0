namespace Beacon.Browser.Tests;

/// <summary>A server whose streams have two trees.</summary>
public sealed class TwoStripes() : BrowserFixture(new Dictionary<string, string>(StringComparer.Ordinal) { ["Beacon:Topology:Stripes"] = "2" });

/// <summary>A picture that comes in halves, over two trees.</summary>
[Collection(nameof(Browsers))]
public sealed class StripesTests(TwoStripes fixture) : PagesTests(fixture), IClassFixture<TwoStripes>
{
    [Fact]
    public async Task Viewers_of_two_trees_see_one_picture_and_miss_nothing()
    {
        var root = await BroadcastAsync("Two trees");
        var streamId = (await root.StatsAsync()).StreamId;
        for (var number = 1; number <= 3; number++)
            await WatchAsync($"Viewer {number}", streamId);

        foreach (var viewer in Pages.Skip(1))
        {
            await viewer.WaitAsync(
                stats => stats.Parents.Count(parent => parent.ParentPeerId is not null) == 2, "a parent in each of the two trees");
            var seen = await viewer.SeesTheLivePictureAsync();
            Assert.Equal([0, 1], seen.Parents.Select(parent => parent.Stripe).Order());
            Assert.Equal(0, seen.ChunksMissed);
        }
    }
}
