namespace Beacon.Raids.Raid;

/// <summary>How likely each eligible stream is to be drawn.</summary>
public enum TargetWeighting
{
    /// <summary>In proportion to 1 / sqrt(1 + viewers): a hundred times the audience, a tenth of the chance. Helps small channels to be found.</summary>
    SmallFirst = 0,

    /// <summary>All alike.</summary>
    Uniform = 1,
}
