using System.Runtime.CompilerServices;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Beacon.Contracts.Tests;

/// <summary>The committed state of the contracts, <c>contracts/beacon.binpb</c>: our protos without comments and imports.</summary>
internal static class Baseline
{
    /// <summary>Set by <c>contracts/accept.sh</c>.</summary>
    public const string AcceptVariable = "BEACON_ACCEPT_CONTRACTS";

    public static string File { get; } = Path.GetFullPath(Path.Combine(Here(), "..", "..", "contracts", "beacon.binpb"));

    public static FileDescriptorSet Read()
    {
        using var stream = System.IO.File.OpenRead(File);
        return DescriptorSet.Parse(stream);
    }

    public static FileDescriptorSet Current()
    {
        var set = new FileDescriptorSet { File = { Protos.Ours() } };
        foreach (var file in set.File)
            file.SourceCodeInfo = null;
        return set;
    }

    public static void Write(FileDescriptorSet set) => System.IO.File.WriteAllBytes(File, set.ToByteArray());

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
