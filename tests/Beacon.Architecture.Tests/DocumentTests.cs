using System.Text.RegularExpressions;

namespace Beacon.Architecture.Tests;

/// <summary>The documents hold together: links lead somewhere, tests that are named exist, every decision is listed.</summary>
public sealed partial class DocumentTests
{
    private const string Index = "docs/adr/README.md";

    private static IEnumerable<string> Documents => Repository.Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal));

    [Fact]
    public void Every_link_leads_to_a_file_and_every_anchor_to_a_heading() => Offences.None(
        from document in Documents
        from link in Links(document)
        where !IsElsewhere(link)
        let trouble = Trouble(document, link)
        where trouble is not null
        select $"{document}: {link}: {trouble}");

    [Fact]
    public void Links_to_other_hosts_are_encrypted() => Offences.None(
        from document in Documents
        from link in Links(document)
        where link.StartsWith("http:", StringComparison.Ordinal) && !link.StartsWith("http://127.0.0.1", StringComparison.Ordinal)
        select $"{document}: {link}");

    [Fact]
    public void The_security_page_names_a_test_for_every_attack_and_each_of_them_exists()
    {
        Expected.Require("docs/security.md");
        var attacks = Repository.Read("docs/security.md").Split('\n')
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| attack", StringComparison.Ordinal))
            .Select(line => line.Split(" | "))
            .ToList();
        Assert.True(attacks.Count > 20, $"Only {attacks.Count} attacks were found.");
        Offences.None(attacks.Where(cells => cells.Length != 3 || !Quoted().IsMatch(cells[^1])).Select(cells => $"{cells[0]}: no test"));
        Offences.None(from cells in attacks from test in Quoted().Matches(cells[^1]).Select(match => match.Groups["text"].Value) where !IsTest(test) select test);
    }

    [Fact]
    public void The_page_of_decisions_lists_each_of_them_under_its_title()
    {
        Expected.Require(Index);
        var page = Repository.Read(Index);
        Offences.None(Repository.Files
            .Where(file => file.StartsWith("docs/adr/0", StringComparison.Ordinal))
            .Select(file => $"[{Repository.Read(file).Split('\n')[0].TrimStart('#', ' ')}]({Path.GetFileName(file)})")
            .Where(link => !page.Contains(link, StringComparison.Ordinal)));
    }

    /// <summary>A solution folder's listing is no promise; what a person types to start and to test is.</summary>
    [Fact]
    public void Projects_and_scripts_that_documents_tell_to_run_exist() => Offences.None(
        from document in Documents
        from command in Run().Matches(Repository.Read(document))
        let path = command.Groups["path"].Value
        where !path.Contains("NAME", StringComparison.Ordinal) && !Directory.Exists(Path.Combine(Repository.Root, path)) && !Repository.Has(path)
        select $"{document}: {path}");

    private static IEnumerable<string> Links(string document) =>
        Link().Matches(Fence().Replace(Repository.Read(document), "")).Select(match => match.Groups["target"].Value);

    private static bool IsElsewhere(string link) => link.Contains("://", StringComparison.Ordinal) || link.StartsWith("mailto:", StringComparison.Ordinal);

    private static string? Trouble(string document, string link)
    {
        var parts = link.Split('#', 2);
        var file = parts[0].Length == 0
            ? document
            : Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(document)!, Uri.UnescapeDataString(parts[0])))).Replace('\\', '/');
        if (!Repository.Has(file) && !Directory.Exists(Path.Combine(Repository.Root, file)))
            return "there is no such file";
        return parts.Length == 1 || Anchors(file).Contains(parts[1], StringComparer.Ordinal) ? null : "there is no such heading";
    }

    /// <summary>As GitHub and Gitea make them: lower case, blanks become hyphens, all else but letters, digits, hyphens and underscores goes.</summary>
    private static IEnumerable<string> Anchors(string file) =>
        Heading().Matches(Fence().Replace(Repository.Read(file), ""))
            .Select(match => NoAnchor().Replace(match.Groups["text"].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    /// <summary><c>Class.Method</c> of C#, or <c>file.test.ts: name</c>.</summary>
    private static bool IsTest(string name)
    {
        if (name.Split(".test.ts: ", 2) is [var file, var title])
        {
            return Repository.Files.Where(path => path.EndsWith($"/{file}.test.ts", StringComparison.Ordinal))
                .Any(path => Repository.Read(path).Contains($"test('{title}'", StringComparison.Ordinal));
        }

        return name.Split('.', 2) is [var type, var method]
            && Repository.Files.Where(path => path.StartsWith("tests/", StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal))
                .Select(Repository.Read)
                .Any(text => text.Contains($"class {type}", StringComparison.Ordinal) && text.Contains($" {method}(", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("^#+ (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\p{L}\p{Nd}\- _]")]
    private static partial Regex NoAnchor();

    [GeneratedRegex("`(?<text>[^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"(?:--project |(?<![.\w/])\./)(?<path>[A-Za-z][\w./-]*)")]
    private static partial Regex Run();
}
