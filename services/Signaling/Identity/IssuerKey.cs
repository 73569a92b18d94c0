using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Beacon.Signaling.Identity;

/// <summary>
/// The P-256 key of this installation, kept in the data directory: it signs the guest issuer's tokens, edge tickets and
/// resume tickets, so all of them stay good over a restart.
/// </summary>
internal sealed class IssuerKey
{
    public const string Issuer = "beacon";
    private readonly byte[] _secret;

    public IssuerKey(byte[] pkcs8)
    {
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(pkcs8, out _);
        _secret = key.ExportParameters(includePrivateParameters: true).D!;
        var parameters = key.ExportParameters(includePrivateParameters: false);
        var x = Base64UrlEncoder.Encode(parameters.Q.X);
        var y = Base64UrlEncoder.Encode(parameters.Q.Y);
        // RFC 7638: the key id is the digest of the members in lexicographic order.
        var thumbprint = SHA256.HashData(System.Text.Encoding.ASCII.GetBytes($$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}"""));
        KeyId = Base64UrlEncoder.Encode(thumbprint);
        SecurityKey = new ECDsaSecurityKey(key) { KeyId = KeyId };
        Credentials = new SigningCredentials(SecurityKey, SecurityAlgorithms.EcdsaSha256);
        PublicJwk = $$"""{"kty":"EC","crv":"P-256","x":"{{x}}","y":"{{y}}","use":"sig","alg":"ES256","kid":"{{KeyId}}"}""";
    }

    public string KeyId { get; }

    public ECDsaSecurityKey SecurityKey { get; }

    public SigningCredentials Credentials { get; }

    /// <summary>The public half as JSON text.</summary>
    public string PublicJwk { get; }

    /// <summary>A secret for one purpose that all replicas with this key share (HKDF, RFC 5869).</summary>
    public byte[] Derive(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, outputLength: 32, info: System.Text.Encoding.ASCII.GetBytes(purpose));

    public static byte[] Make()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKey();
    }
}
