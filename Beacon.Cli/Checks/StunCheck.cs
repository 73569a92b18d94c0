using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Beacon.Cli.Checks;

/// <summary>
/// Asks STUN and TURN servers where this machine is seen from (RFC 5389, a binding request over UDP). TURN servers answer it as well, without
/// credentials, so it shows that they run and that UDP reaches them.
/// </summary>
internal static class StunCheck
{
    private const int HeaderBytes = 20;
    private const uint MagicCookie = 0x2112A442;
    private const ushort BindingRequest = 0x0001;
    private const ushort BindingResponse = 0x0101;
    private const int DefaultPort = 3478;

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    public static async Task<Finding> OfAsync(IReadOnlyList<string> urls, CancellationToken cancellation)
    {
        // One address is often named for several transports; what counts is whether the server is there.
        var addresses = urls.Select(AddressOf).Distinct().ToList();
        if (addresses.IndexOf(null) is >= 0 and var at)
            return new Finding("turn", Verdict.Wrong, $"{urls[at]} is no turn:host:port.");
        var silent = new List<string>();
        foreach (var address in addresses)
        {
            if (await AskAsync(address!, cancellation) is { } problem)
                silent.Add($"{address!.Host}:{address.Port} {problem}");
        }

        return silent.Count == 0
            ? new Finding("turn", Verdict.Right, string.Join(", ", addresses.Select(address => $"{address!.Host}:{address.Port}")) + " answers.")
            : new Finding("turn", Verdict.Wrong, $"{string.Join("; ", silent)}. Does it run, and lets the firewall UDP through?");
    }

    /// <summary>Null when it answered.</summary>
    private static async Task<string?> AskAsync(DnsEndPoint address, CancellationToken cancellation)
    {
        try
        {
            using var udp = new UdpClient();
            udp.Connect(address.Host, address.Port);
            var request = Request();
            // UDP loses datagrams: RFC 5389 asks again with the same transaction.
            for (var round = 0; round < 5; round++)
            {
                await udp.SendAsync(request, cancellation);
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                patience.CancelAfter(Patience);
                try
                {
                    if (IsResponse((await udp.ReceiveAsync(patience.Token)).Buffer, request))
                        return null;
                }
                catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
                {
                    // Once more.
                }
            }

            return "does not answer";
        }
        catch (SocketException exception)
        {
            return exception.Message;
        }
    }

    private static byte[] Request()
    {
        var request = new byte[HeaderBytes];
        BinaryPrimitives.WriteUInt16BigEndian(request, BindingRequest);
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(4), MagicCookie);
        RandomNumberGenerator.Fill(request.AsSpan(8));
        return request;
    }

    private static bool IsResponse(byte[] answer, byte[] request) =>
        answer.Length >= HeaderBytes
        && BinaryPrimitives.ReadUInt16BigEndian(answer) == BindingResponse
        && answer.AsSpan(4, HeaderBytes - 4).SequenceEqual(request.AsSpan(4));

    private static DnsEndPoint? AddressOf(string url)
    {
        var parts = url.Split('?')[0].Split(':', 2);
        if (parts is not [("stun" or "stuns" or "turn" or "turns"), { Length: > 0 } rest])
            return null;
        var colon = rest.LastIndexOf(':');
        // An IPv6 address without a port ends with its bracket.
        if (colon < 0 || rest.EndsWith(']'))
            return new DnsEndPoint(rest.Trim('[', ']'), DefaultPort);
        return ushort.TryParse(rest[(colon + 1)..], out var port) ? new DnsEndPoint(rest[..colon].Trim('[', ']'), port) : null;
    }
}
