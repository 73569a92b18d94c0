using System.Text.Json.Nodes;

namespace Beacon.Cli.Checks;

internal enum Verdict
{
    Right,

    /// <summary>Works, and may not for long, or not for all.</summary>
    Doubtful,

    Wrong,

    /// <summary>Nothing was given to look at.</summary>
    Skipped,
}

/// <summary>What one check found.</summary>
/// <param name="Text">What was seen and, when it is not right, what to do.</param>
internal sealed record Finding(string Name, Verdict Verdict, string Text)
{
    public JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["verdict"] = Verdict switch
        {
            Verdict.Right => "right",
            Verdict.Doubtful => "doubtful",
            Verdict.Wrong => "wrong",
            _ => "skipped",
        },
        ["text"] = Text,
    };
}
