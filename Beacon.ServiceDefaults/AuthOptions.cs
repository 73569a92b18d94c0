using System.ComponentModel.DataAnnotations;

namespace Beacon.ServiceDefaults;

/// <summary>Who is believed (<c>Beacon:Auth</c>).</summary>
public sealed class AuthOptions : IValidatableObject
{
    public const string Section = "Beacon:Auth";

    /// <summary>
    /// The OIDC authority that issues access tokens. Empty: Signaling's built-in guest issuer; a service that runs on its own
    /// then needs the URL of Signaling here.
    /// </summary>
    public string Authority { get; set; } = "";

    /// <summary>The audience that access tokens must name.</summary>
    [Required]
    public string Audience { get; set; } = "beacon";

    /// <summary>The claim that holds an account's channel; without it the account id is the channel.</summary>
    [Required]
    public string ChannelClaim { get; set; } = "channel";

    /// <summary>How far the clocks of issuer and services may differ.</summary>
    [Range(0, 30)]
    public int ClockSkewSeconds { get; set; } = 30;

    /// <summary>
    /// The secret with which services know each other, base64, at least 32 bytes. Empty: made once and kept in the data
    /// directory, which serves only processes that share that directory.
    /// </summary>
    public string ServiceKey { get; set; } = "";

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Authority.Length > 0 && !(Uri.TryCreate(Authority, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
            yield return new ValidationResult($"{Section}:Authority is '{Authority}', and must be a URL, or empty.");
        if (ServiceKey.Length > 0 && !IsKey(ServiceKey))
            yield return new ValidationResult($"{Section}:ServiceKey must be base64 of at least 32 bytes.");
    }

    internal static bool IsKey(string text) =>
        Convert.TryFromBase64String(text, new byte[text.Length], out var length) && length >= 32;
}
