using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Beacon.Contracts.Signaling.V1;
using Google.Protobuf;

namespace Beacon.Testing;

/// <summary>What a server answered to a fuzzer.</summary>
/// <param name="Answers">Errors by reason.</param>
/// <param name="Closes">Closes by code; 0 is an end without a close frame.</param>
public sealed record FuzzOutcome(long Frames, IReadOnlyDictionary<string, long> Answers, IReadOnlyDictionary<int, long> Closes, int Reconnects);

/// <summary>Sends fuzzed frames over a few sessions, protobuf and JSON by turns, and opens another session for each that the server closes.</summary>
public sealed partial class FuzzRun(Uri server, Func<Task<string>> accessToken, string streamId, string peerId)
{
    private const int FramesPerFence = 500;
    private readonly ConcurrentDictionary<string, long> _answers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, long> _closes = new();
    private int _reconnects;

    public async Task<FuzzOutcome> RunAsync(long frames, int seed, int sessions)
    {
        await Task.WhenAll(Enumerable.Range(0, sessions).Select(index => RunOneAsync(frames / sessions, seed + index, json: index % 2 == 1)));
        return new FuzzOutcome(frames / sessions * sessions, _answers, _closes, _reconnects);
    }

    private async Task RunOneAsync(long frames, int seed, bool json)
    {
        await Task.Yield();
        var fuzzer = new FrameFuzzer(seed, streamId, peerId);
        var raw = new Random(seed);
        var client = await ConnectAsync(json);
        for (long sent = 1; sent <= frames; sent++)
        {
            // Below the messages only now and then: most of it costs the session.
            if (raw.Next(500) == 0)
            {
                client.SendRaw(fuzzer.NextRaw());
            }
            else
            {
                var (opcode, payload) = fuzzer.Next(json);
                client.Send(opcode, payload);
            }

            if (sent % FramesPerFence == 0)
                await client.FenceAsync();
            if (!client.IsClosed && !client.IsBroken)
                continue;
            await client.EndedAsync();
            _closes.AddOrUpdate(client.CloseCode, 1, (_, count) => count + 1);
            client.Dispose();
            Interlocked.Increment(ref _reconnects);
            client = await ConnectAsync(json);
        }

        await client.FenceAsync();
        client.Dispose();
    }

    private async Task<Client> ConnectAsync(bool json)
    {
        var client = new Client(json, reason => _answers.AddOrUpdate(reason, 1, (_, count) => count + 1));
        await client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port), await accessToken());
        return client;
    }

    private sealed partial class Client(bool json, Action<string> answered) : RawWebSocket
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource? _fence;
        private ulong _lastFence = 1UL << 62;

        /// <summary>Set when a fence was not answered: the session is in the middle of a frame that never ends.</summary>
        public bool IsBroken { get; private set; }

        public Task ConnectAsync(IPEndPoint endpoint, string accessToken) =>
            OpenAsync(endpoint, "/ws", $"Sec-WebSocket-Protocol: beacon.v1.{(json ? "json" : "proto")}, bearer.{accessToken}\r\n");

        public async Task FenceAsync()
        {
            var fence = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _fence = fence;
            var frame = new ClientFrame { RequestId = ++_lastFence, LeaveStream = new LeaveStream { StreamId = "fence" } };
            if (json)
                Send(Text, Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(frame)));
            else
                Send(Binary, frame.ToByteArray());
            try
            {
                await Task.WhenAny(fence.Task, _ended.Task).WaitAsync(TimeSpan.FromSeconds(2));
            }
            catch (TimeoutException)
            {
                // A broken header may have promised a payload that swallows all that follows.
                IsBroken = true;
                Abort();
            }
        }

        /// <summary>Waits until the server has closed, or nobody could tell.</summary>
        public Task EndedAsync() => IsBroken ? Task.CompletedTask : _ended.Task.WaitAsync(TimeSpan.FromSeconds(30));

        protected override void OnMessage(ReadOnlySpan<byte> message)
        {
            if (json)
            {
                var text = Encoding.UTF8.GetString(message);
                if (Reason().Match(text) is { Success: true } reason)
                    answered(reason.Groups["reason"].Value);
                if (text.Contains($"\"requestId\": \"{_lastFence.ToString(CultureInfo.InvariantCulture)}\"", StringComparison.Ordinal))
                    _fence?.TrySetResult();
                return;
            }

            var frame = ServerFrame.Parser.ParseFrom(message);
            if (frame.Error is { } error)
                answered(error.Reason);
            if (frame.RequestId == _lastFence)
                _fence?.TrySetResult();
        }

        protected override void OnClosed() => _ended.TrySetResult();

        [GeneratedRegex("\"error\": \\{ \"reason\": \"(?<reason>[a-z_]+)\"", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
        private static partial Regex Reason();
    }
}
