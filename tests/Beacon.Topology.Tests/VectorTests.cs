using System.Text.Json;
using Beacon.Topology.Mesh;

namespace Beacon.Topology.Tests;

/// <summary>docs/vectors.json, which the tests of the TypeScript client read too.</summary>
public sealed class VectorTests
{
    [Fact]
    public void The_challenge_is_answered_as_clients_answer_it()
    {
        var vector = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "docs", "vectors.json"))).RootElement.GetProperty("challenge");
        var challenge = new Challenge(0, 42, Bytes("nonce"), Bytes("digest"));

        Assert.True(challenge.IsAnsweredBy(vector.GetProperty("peerId").GetString()!, Bytes("hmac")));
        Assert.False(challenge.IsAnsweredBy("another", Bytes("hmac")));

        byte[] Bytes(string name) => Convert.FromHexString(vector.GetProperty(name).GetString()!);
    }
}
