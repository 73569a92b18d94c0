namespace Beacon.Raids.Raid;

/// <summary>How likely each eligible stream is to be drawn.</summary>
public enum TargetWeighting
{
    /// <summary>
    /// In proportion to 1 / sqrt(1 + viewers): a hundred times the audience, a tenth of the chance. Helps small channels to be found. A
    /// stream that shares a tag or the language with the source weighs more.
    /// </summary>
    SmallFirst = 0,

    /// <summary>All alike.</summary>
    Uniform = 1,
}

/// <summary>The weights of a draw.</summary>
/// <param name="TagFactor">What one or more tags in common multiply the weight by, at least 1.</param>
/// <param name="LanguageFactor">What the same language multiplies the weight by, at least 1.</param>
public sealed record WeightRules(TargetWeighting Weighting, double TagFactor = 1, double LanguageFactor = 1);
