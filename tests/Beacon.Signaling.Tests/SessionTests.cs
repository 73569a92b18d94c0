using System.Buffers;
using System.IO.Pipelines;
using Beacon.Contracts.Signaling.V1;
using Beacon.ServiceDefaults;
using Beacon.Signaling.Sessions;
using Microsoft.Extensions.Time.Testing;

namespace Beacon.Signaling.Tests;

public sealed class SessionTests
{
    private static readonly SignalingOptions Limits = new() { MaxQueuedFrames = 16 };
    private readonly Pipe _toServer = new();
    // Nobody reads until the test does: what is written beyond so many bytes makes the writer wait.
    private readonly Pipe _toClient = new(new PipeOptions(pauseWriterThreshold: 1_024, resumeWriterThreshold: 512));
    private bool _isAborted;

    private Session Open(FrameCodec? codec = null) => new(
        "session",
        new Credentials(new Caller("account", "name", "channel", []), [], DateTimeOffset.MaxValue, DateTimeOffset.UnixEpoch, "", ""),
        "",
        codec ?? FrameCodec.Binary,
        new Ends(_toServer.Reader, _toClient.Writer),
        () => _isAborted = true,
        Limits,
        new FakeTimeProvider());

    [Fact]
    public async Task Frames_arrive_in_the_order_they_were_sent_and_then_the_close()
    {
        var session = Open();
        for (ulong request = 1; request <= 10; request++)
            session.Send(new ServerFrame { RequestId = request });
        session.Close(1000, "done");

        var frames = await ClientReadsAsync();

        Assert.Equal(Enumerable.Range(1, 10).Select(number => (WebSocketFraming.Binary, (ulong)number)), frames.SkipLast(1).Select(frame => (frame.Opcode, ServerFrame.Parser.ParseFrom(frame.Payload).RequestId)));
        Assert.Equal((WebSocketFraming.Close, 1000), (frames[^1].Opcode, CodeOf(frames[^1].Payload)));
        await session.Written.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.False(_isAborted);
    }

    [Theory]
    [InlineData(16, 1000)]
    [InlineData(17, 1013)]
    public async Task A_client_that_does_not_read_has_so_many_frames_waiting_and_one_more_closes_it(int frames, int code)
    {
        var session = Open();
        // Fills what the connection takes, so that the next ones have to wait in the queue.
        session.Send(Large());
        await Filled();
        for (var frame = 0; frame < frames; frame++)
            session.Send(Large());
        session.Close(1000, "");

        var received = await ClientReadsAsync();

        Assert.Equal(code, CodeOf(received[^1].Payload));
        Assert.Equal(1 + 16 + 1, received.Count);
    }

    [Fact]
    public async Task Pings_are_answered_with_what_they_brought_and_sent_between_frames()
    {
        var session = Open();
        session.Pong([1, 2, 3]);
        session.Ping();
        session.Close(1001, "");

        var frames = await ClientReadsAsync();

        Assert.Contains(frames, frame => frame.Opcode == WebSocketFraming.Pong && frame.Payload.SequenceEqual(new byte[] { 1, 2, 3 }));
        Assert.Contains(frames, frame => frame.Opcode == WebSocketFraming.Ping && frame.Payload.Length == 0);
        Assert.Equal(1001, CodeOf(frames[^1].Payload));
    }

    [Fact]
    public async Task After_the_close_nothing_more_is_sent()
    {
        var session = Open();
        session.Close(1000, "");
        session.Send(new ServerFrame { RequestId = 1 });
        session.Close(1013, "");

        Assert.Equal(1000, CodeOf(Assert.Single(await ClientReadsAsync()).Payload));
    }

    [Fact]
    public async Task A_client_that_is_gone_ends_the_writer()
    {
        var session = Open();
        await _toClient.Reader.CompleteAsync();
        session.Send(Large());

        await session.Written.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.True(session.IsClosing);
    }

    private static ServerFrame Large() => new() { Error = new Error { Message = new string('x', 2_000) } };

    private async Task Filled()
    {
        var seen = await _toClient.Reader.ReadAsync(TestContext.Current.CancellationToken);
        _toClient.Reader.AdvanceTo(seen.Buffer.Start, seen.Buffer.Start);
    }

    /// <summary>All frames up to the close.</summary>
    private async Task<List<(byte Opcode, byte[] Payload)>> ClientReadsAsync()
    {
        var frames = new List<(byte Opcode, byte[] Payload)>();
        while (true)
        {
            var read = await _toClient.Reader.ReadAsync(TestContext.Current.CancellationToken);
            var bytes = read.Buffer.ToArray();
            var used = 0;
            while (bytes.Length - used >= 2)
            {
                var (length, header) = bytes[used + 1] == 126 ? ((bytes[used + 2] << 8) | bytes[used + 3], 4) : (bytes[used + 1], 2);
                if (bytes.Length - used < header + length)
                    break;
                frames.Add(((byte)(bytes[used] & 0x0F), bytes[(used + header)..(used + header + length)]));
                used += header + length;
            }

            _toClient.Reader.AdvanceTo(read.Buffer.GetPosition(used), read.Buffer.End);
            if (frames.Count > 0 && frames[^1].Opcode == WebSocketFraming.Close)
                return frames;
        }
    }

    private static int CodeOf(byte[] payload) => (payload[0] << 8) | payload[1];

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
