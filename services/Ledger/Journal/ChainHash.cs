using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Beacon.Ledger.Journal;

/// <summary>
/// The hash of a link of the journal's chain: SHA-256 over the hash of the former link, then the accounts that the link
/// opened, then its batches, each followed by its transfers, all in order of their numbers. Every field stands there with
/// a fixed length or behind its length, so that no two journals read the same.
/// </summary>
internal sealed class ChainHash : IDisposable
{
    public const int Length = SHA256.HashSizeInBytes;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _used;

    /// <summary>What the first link builds on.</summary>
    public static byte[] Genesis => new byte[Length];

    public void Begin(ReadOnlySpan<byte> former)
    {
        // What an abandoned link left behind does not count.
        _used = 0;
        _hash.TryGetHashAndReset(stackalloc byte[Length], out _);
        former.CopyTo(Take(Length));
    }

    public void Account(int number, string accountId, int kind, bool mayGoNegative, long openedAtMs)
    {
        Byte((byte)'A');
        Long(number);
        Text(accountId);
        Long(kind);
        Byte(mayGoNegative ? (byte)1 : (byte)0);
        Long(openedAtMs);
    }

    public void Batch(long sequence, Guid id, Guid content, int code, string actor, string reference, long? window, long bookedAtMs)
    {
        Byte((byte)'B');
        Long(sequence);
        Id(id);
        Id(content);
        Long(code);
        Text(actor);
        Text(reference);
        Byte(window is null ? (byte)0 : (byte)1);
        Long(window ?? 0);
        Long(bookedAtMs);
    }

    public void Transfer(long sequence, Guid id, long batch, int debit, int credit, long amount, long debitBalance, long creditBalance)
    {
        var span = Take(1 + (7 * sizeof(long)) + 16);
        span[0] = (byte)'T';
        BinaryPrimitives.WriteInt64BigEndian(span[1..], sequence);
        id.TryWriteBytes(span[9..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(span[25..], batch);
        BinaryPrimitives.WriteInt64BigEndian(span[33..], debit);
        BinaryPrimitives.WriteInt64BigEndian(span[41..], credit);
        BinaryPrimitives.WriteInt64BigEndian(span[49..], amount);
        BinaryPrimitives.WriteInt64BigEndian(span[57..], debitBalance);
        BinaryPrimitives.WriteInt64BigEndian(span[65..], creditBalance);
    }

    /// <summary>The link that seals what a transaction adds to the journal.</summary>
    public ChainLink Link(ChainLink last, Changes changes)
    {
        Begin(last.Hash);
        var (lastAccount, lastBatch, lastTransfer) = (last.LastAccount, last.LastBatch, last.LastTransfer);
        foreach (var a in changes.Opened)
        {
            Account(a.Number, a.Id, (int)a.Kind, a.MayGoNegative, a.OpenedAtMs);
            lastAccount = a.Number;
        }

        foreach (var (request, posted) in changes.Batches)
        {
            Batch(posted.Sequence, posted.Id, posted.Content, (int)request.Code, request.Actor, request.Reference, request.Window, posted.BookedAtMs);
            lastBatch = posted.Sequence;
            foreach (var t in posted.Transfers)
            {
                Transfer(t.Sequence, t.Id, posted.Sequence, t.Debit.Number, t.Credit.Number, t.Amount, t.DebitBalance, t.CreditBalance);
                lastTransfer = t.Sequence;
            }
        }

        return new ChainLink(last.Number + 1, lastAccount, lastBatch, lastTransfer, End());
    }

    public byte[] End()
    {
        Flush();
        return _hash.GetHashAndReset();
    }

    public void Dispose() => _hash.Dispose();

    private void Byte(byte value) => Take(1)[0] = value;

    private void Long(long value) => BinaryPrimitives.WriteInt64BigEndian(Take(sizeof(long)), value);

    private void Id(Guid value) => value.TryWriteBytes(Take(16), bigEndian: true, out _);

    private void Text(string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        Long(length);
        if (length <= _buffer.Length)
        {
            Encoding.UTF8.GetBytes(value, Take(length));
            return;
        }

        Flush();
        _hash.AppendData(Encoding.UTF8.GetBytes(value));
    }

    private Span<byte> Take(int length)
    {
        if (_used + length > _buffer.Length)
            Flush();
        var span = _buffer.AsSpan(_used, length);
        _used += length;
        return span;
    }

    private void Flush()
    {
        _hash.AppendData(_buffer.AsSpan(0, _used));
        _used = 0;
    }
}
