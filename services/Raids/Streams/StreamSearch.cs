namespace Beacon.Raids.Streams;

/// <summary>Which streams somebody wants to see. Empty parts want nothing.</summary>
internal sealed record StreamSearch(string Query, string Tag, string Language, string SquadAccountId)
{
    public static StreamSearch All { get; } = new("", "", "", "");

    public bool IsEmpty => this == All;

    /// <summary>Nothing longer can be part of a stream.</summary>
    public bool IsPlausible => Query.Length <= 100 && Tag.Length <= 32 && Language.Length <= 35 && SquadAccountId.Length <= 128;

    public bool Fits(StreamEntry stream) =>
        (Query.Length == 0 || stream.Title.Contains(Query, StringComparison.OrdinalIgnoreCase) || stream.Channel.Contains(Query, StringComparison.OrdinalIgnoreCase))
        && (Tag.Length == 0 || Has(stream.Tags, Tag, StringComparison.OrdinalIgnoreCase))
        && (Language.Length == 0 || IsLanguage(stream.Language))
        && (SquadAccountId.Length == 0 || Has(stream.Squad, SquadAccountId, StringComparison.Ordinal));

    /// <summary>The tag itself, or one that begins with it: <c>pt</c> finds <c>pt-BR</c>.</summary>
    private bool IsLanguage(string language) =>
        language.StartsWith(Language, StringComparison.OrdinalIgnoreCase) && (language.Length == Language.Length || language[Language.Length] == '-');

    private static bool Has(string list, string wanted, StringComparison comparison) =>
        list.Split(StreamEntry.Separator).Any(item => item.Equals(wanted, comparison));
}
