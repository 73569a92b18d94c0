using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Beacon.Signaling.Tickets;

/// <summary>The public key with which a broadcaster's frames are verified: P-256 or Ed25519, only the members that make the key.</summary>
internal sealed class SigningKey
{
    private const int MaxJwkBytes = 512;
    private const int CoordinateBytes = 32;

    private SigningKey(Dictionary<string, object> members) => Members = members;

    public Dictionary<string, object> Members { get; }

    /// <summary>Null for everything that is not the JWK of such a key. A private key is refused too: it has no business here.</summary>
    public static SigningKey? Parse(string jwk)
    {
        if (Encoding.UTF8.GetByteCount(jwk) > MaxJwkBytes)
            return null;
        try
        {
            using var document = JsonDocument.Parse(jwk);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || root.TryGetProperty("d", out _))
                return null;
            string[]? names = (Text(root, "kty"), Text(root, "crv")) switch
            {
                ("EC", "P-256") => ["kty", "crv", "x", "y"],
                ("OKP", "Ed25519") => ["kty", "crv", "x"],
                _ => null,
            };
            return names is not null && names[2..].All(name => IsCoordinate(Text(root, name)))
                ? new SigningKey(names.ToDictionary(name => name, name => (object)Text(root, name)!, StringComparer.Ordinal))
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static bool IsCoordinate(string? text) =>
        text is not null && Base64Url.IsValid(text, out var length) && length == CoordinateBytes;
}
