using System.Buffers;
using System.Runtime.InteropServices;
using Beacon.Contracts.Topology.V1;
using Beacon.Topology.Mesh;
using Google.Protobuf;

namespace Beacon.Topology.Streams;

/// <summary>Some directives of one stream to one edge: a <see cref="PeerDirectives"/> message, or, with others behind it, a part of one.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct EncodedDirectives(byte[] Bytes, int Count);

/// <summary>
/// Writes directives as they go to an edge. Field by field, and not from messages: a join brings about ten of them, and as objects they
/// were a third of what the owner of a stream left to the garbage collector.
/// </summary>
internal sealed class DirectiveWriter(string streamId) : IDisposable
{
    /// <summary>Directives of a part, and of a message.</summary>
    public const int MaxDirectives = 512;

    /// <summary>Of a part, and of a message. Below what lands among the large objects.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>More than the longest directive: four ids, a trace and some numbers.</summary>
    private const int MaxDirectiveBytes = 2048;

    private static readonly byte DirectiveTag = (byte)WireFormat.MakeTag(PeerDirectives.DirectivesFieldNumber, WireFormat.WireType.LengthDelimited);

    private readonly List<EncodedDirectives> _parts = [];
    private byte[]? _buffer;
    private CodedOutputStream? _output;
    private int _count;

    public void Write(MemberState member, in Change change, string? traceparent)
    {
        if (_count == MaxDirectives || _output?.SpaceLeft < MaxDirectiveBytes)
            EndPart();
        _buffer ??= ArrayPool<byte>.Shared.Rent(MaxBytes);
        var output = _output ??= new CodedOutputStream(_buffer);
        // Two bytes for the length, however short it is: it is known when all is written.
        var begin = (int)output.Position + 3;
        output.WriteRawTag(DirectiveTag, 0, 0);
        Write(output, member, change, traceparent);
        var length = (int)output.Position - begin;
        _buffer[begin - 2] = (byte)(length | 0x80);
        _buffer[begin - 1] = (byte)(length >> 7);
        _count++;
    }

    /// <summary>All that was written. Nothing may be written after it.</summary>
    public IReadOnlyList<EncodedDirectives> Close()
    {
        EndPart();
        Dispose();
        return _parts;
    }

    public void Dispose()
    {
        _output?.Dispose();
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
    }

    private void EndPart()
    {
        if (_output is { } output)
            _parts.Add(new EncodedDirectives(_buffer.AsSpan(0, (int)output.Position).ToArray(), _count));
        _output = null;
        _count = 0;
    }

    private void Write(CodedOutputStream output, MemberState member, in Change change, string? traceparent)
    {
        Text(output, PeerDirective.PeerIdFieldNumber, change.PeerId);
        Number(output, PeerDirective.VersionFieldNumber, StreamState.NumberOf(member, change));
        Number(output, PeerDirective.KindFieldNumber, (long)KindOf(change));
        Number(output, PeerDirective.StripeFieldNumber, change.Stripe);
        if (change.Other is { } other)
        {
            output.WriteTag(PeerDirective.NeighbourFieldNumber, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(MemberState.Of(other).Neighbour);
        }

        Number(output, PeerDirective.DepthFieldNumber, change.Depth);
        Text(output, PeerDirective.ReasonFieldNumber, change.Reason);
        Number(output, PeerDirective.StandbyFieldNumber, change.IsStandby ? 1 : 0);
        Number(output, PeerDirective.DrainMsFieldNumber, change.DrainMs);
        Number(output, PeerDirective.PositionFieldNumber, change.Position);
        Number(output, PeerDirective.EstimateMsFieldNumber, Math.Min(change.EstimateMs, int.MaxValue));
        Text(output, PeerDirective.TraceparentFieldNumber, traceparent ?? "");
        if (_count == 0)
            Text(output, PeerDirective.StreamIdFieldNumber, streamId);
    }

    /// <summary>What is the default is not written.</summary>
    private static void Text(CodedOutputStream output, int field, string value)
    {
        if (value.Length == 0)
            return;
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteString(value);
    }

    private static void Number(CodedOutputStream output, int field, long value)
    {
        if (value == 0)
            return;
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt64(value);
    }

    private static DirectiveKind KindOf(in Change change) => change.Kind switch
    {
        ChangeKind.ParentAssigned => DirectiveKind.ParentAssigned,
        ChangeKind.StandbyAssigned => DirectiveKind.StandbyAssigned,
        ChangeKind.ChildAssigned => DirectiveKind.ChildAssigned,
        ChangeKind.ChildRemoved => DirectiveKind.ChildRemoved,
        _ => DirectiveKind.Waiting,
    };
}
