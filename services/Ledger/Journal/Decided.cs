using Beacon.ServiceDefaults;

namespace Beacon.Ledger.Journal;

/// <summary>What a decision came to: a value, or the documented reason why not.</summary>
internal readonly record struct Decided<T>(T? Value, Fault? Refusal)
{
    public static implicit operator Decided<T>(T value) => new(value, null);

    public static implicit operator Decided<T>(Fault refusal) => new(default, refusal);

    /// <summary>The value; a refusal becomes the exception of a gRPC method.</summary>
    public T OrThrow() => Refusal is null ? Value! : throw Refusal.Exception();
}
