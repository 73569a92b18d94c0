using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Beacon.Signaling.Identity;

namespace Beacon.Signaling.Tests;

/// <summary>The credentials that browsers are given, tried on a real coturn: an allocation is granted or refused with 401.</summary>
public sealed class TurnServerTests(GarnetFixture garnet) : IClassFixture<GarnetFixture>, IAsyncLifetime
{
    private const string Secret = "a secret of the turn server";
    private const ushort AllocateSuccess = 0x0103;
    private readonly TurnServer _turn = new(Secret, Ports.Free());

    /// <summary>Open to the end: to coturn the next one on the same port would be who had it before, with its allocation.</summary>
    private readonly List<UdpClient> _sockets = [];

    public ValueTask InitializeAsync()
    {
        _turn.Start();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _sockets.ForEach(socket => socket.Dispose());
        return _turn.DisposeAsync();
    }

    [Fact]
    public async Task What_a_browser_is_given_opens_a_relay_and_what_is_forged_or_expired_does_not()
    {
        TurnServer.RequireInstalled();
        await using var host = await SignalingHost.StartAsync(
            garnet.ConnectionString, settings: [("Signaling:TurnUrls:0", $"turn:127.0.0.1:{_turn.Port}?transport=udp"), ("Signaling:TurnSecret", Secret)]);
        using var rest = new RestClient(host.Http);
        var answer = await rest.SendAsync(HttpMethod.Get, "/api/ice-servers", null, host.Guest().AccessToken);
        var given = answer.Body.GetProperty("iceServers")[0];
        var (username, credential) = (given.GetProperty("username").GetString()!, given.GetProperty("credential").GetString()!);
        var now = TimeProvider.System.GetUtcNow();

        Assert.Equal(AllocateSuccess, await AllocateAsync(username, credential));
        Assert.Equal(401, await AllocateAsync(username, credential + "x"));
        var expired = TurnCredentials.For("account", now.AddSeconds(-5), Secret);
        Assert.Equal(401, await AllocateAsync(expired.Username, expired.Credential));
        var foreign = TurnCredentials.For("account", now.AddHours(1), "another secret");
        Assert.Equal(401, await AllocateAsync(foreign.Username, foreign.Credential));
    }

    /// <summary>A TURN Allocate (RFC 8656) with long-term credentials: <see cref="AllocateSuccess"/>, or the error code.</summary>
    private async Task<int> AllocateAsync(string username, string credential)
    {
        var socket = new UdpClient();
        _sockets.Add(socket);
        socket.Connect(IPAddress.Loopback, _turn.Port);
        var challenge = await AskAsync(socket, Message(authentication: null));
        var (realm, nonce) = (Attribute(challenge, 0x0014)!, Attribute(challenge, 0x0015)!);
        var answer = await AskAsync(socket, Message((username, realm, nonce, credential)));
        if (BinaryPrimitives.ReadUInt16BigEndian(answer) == AllocateSuccess)
            return AllocateSuccess;
        var error = Attribute(answer, 0x0009)!;
        return (error[2] * 100) + error[3];
    }

    /// <summary>Asks until the server, which may still be starting, answers.</summary>
    private static async Task<byte[]> AskAsync(UdpClient socket, byte[] message)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        for (var attempt = 0; ; attempt++)
        {
            using var late = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
            try
            {
                await socket.SendAsync(message, late.Token);
                return (await socket.ReceiveAsync(late.Token)).Buffer;
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException && attempt < 60)
            {
                // Not listening yet: a refused datagram comes back at once.
                await tick.WaitForNextTickAsync();
            }
        }
    }

    private static byte[] Message((string Username, byte[] Realm, byte[] Nonce, string Credential)? authentication)
    {
        var body = new List<byte>();
        Add(0x0019, [17, 0, 0, 0]);
        if (authentication is var (username, realm, nonce, credential))
        {
            Add(0x0006, Encoding.UTF8.GetBytes(username));
            Add(0x0014, realm);
            Add(0x0015, nonce);
            // The length in the header counts the integrity attribute already.
            byte[] signed = [.. Header(body.Count + 24), .. body];
#pragma warning disable CA5350, CA5351 // as the standard says
            Add(0x0008, HMACSHA1.HashData(MD5.HashData([.. Encoding.UTF8.GetBytes($"{username}:"), .. realm, .. Encoding.UTF8.GetBytes($":{credential}")]), signed));
#pragma warning restore CA5350, CA5351
        }

        return [.. Header(body.Count), .. body];

        static byte[] Header(int length) => [0x00, 0x03, (byte)(length >> 8), (byte)length, 0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

        void Add(ushort type, byte[] value)
        {
            body.AddRange([(byte)(type >> 8), (byte)type, (byte)(value.Length >> 8), (byte)value.Length]);
            body.AddRange(value);
            body.AddRange(new byte[(4 - (value.Length % 4)) % 4]);
        }
    }

    private static byte[]? Attribute(byte[] message, ushort type)
    {
        for (var at = 20; at + 4 <= message.Length;)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(at + 2));
            if (BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(at)) == type)
                return message[(at + 4)..(at + 4 + length)];
            at += 4 + ((length + 3) & ~3);
        }

        return null;
    }
}
