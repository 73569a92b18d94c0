namespace Beacon.Contracts.Tests;

public sealed class FrameTests
{
    [Fact]
    public void The_client_speaks_these_frames() => Assert.Equal(
        ["go-live", "join-stream", "leave-stream", "signal", "metrics-report", "chunk-digests", "end-stream", "refresh", "decline-raid"],
        Frames("ClientFrame"));

    [Fact]
    public void The_server_speaks_these_frames() => Assert.Equal(
        [
            "welcome", "stream-live", "stream-joined", "parent-assigned", "standby-assigned", "child-assigned", "child-removed", "signal",
            "stream-ended", "raid", "wallet-update", "tip-received", "waiting", "challenge", "error",
        ],
        Frames("ServerFrame"));

    private static IEnumerable<string> Frames(string message) => Protos.Ours()
        .SelectMany(file => file.MessageType).Single(type => type.Name == message)
        .Field.Where(field => field.HasOneofIndex).Select(field => field.JsonName);
}
