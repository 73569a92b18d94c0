using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Beacon.Ledger.Books;
using Beacon.ServiceDefaults;

namespace Beacon.Ledger;

/// <summary>Where a page ended. Names the list, so that the token of another list, or of another's, is refused.</summary>
internal static class PageToken
{
    public const int DefaultPageSize = 50;
    public const int MaxPageSize = 200;

    /// <summary>How many entries a page has: 1 to 200, 0 means 50.</summary>
    public static int Size(uint pageSize) => pageSize switch
    {
        0 => DefaultPageSize,
        <= MaxPageSize => (int)pageSize,
        _ => throw CommonErrors.InvalidPageSize.Exception("A page has 1 to 200 entries; 0 means 50."),
    };

    /// <param name="list">What the list is, and whose.</param>
    public static string Write(string list, long number) =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{number}:{list}")));

    /// <returns>The number; null for the first page.</returns>
    public static long? Read(string token, string list)
    {
        if (token.Length == 0)
            return null;
        if (token.Length > 8 * AccountIds.MaxLength || !Base64Url.IsValid(token))
            throw CommonErrors.InvalidPageToken.Exception();
        var text = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token));
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && text[(colon + 1)..] == list && long.TryParse(text[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw CommonErrors.InvalidPageToken.Exception();
    }
}
