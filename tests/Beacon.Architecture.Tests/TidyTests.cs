using System.Text;
using System.Text.RegularExpressions;

namespace Beacon.Architecture.Tests;

/// <summary>The house rules of every text that the repository keeps.</summary>
public sealed partial class TidyTests
{
    private const int MaxLines = 600;

    private static readonly string[] TextEndings =
    [
        ".cs", ".proto", ".ts", ".tsx", ".js", ".mjs", ".css", ".html", ".csproj", ".props", ".targets", ".json", ".yml", ".yaml", ".md", ".sh", ".txt",
        ".sln", ".slnx", ".toml", ".tpl", ".editorconfig", ".gitignore", "Dockerfile",
    ];

    private static readonly string[] CodeEndings = [".cs", ".proto", ".ts"];

    /// <summary>Made by tools and kept as they came.</summary>
    private static readonly string[] GeneratedParts = ["/Migrations/", "/gen/", ".g.cs", ".Designer.cs"];

    private static readonly string[] VagueFileNames = ["Helpers", "Helper", "Utils", "Util", "Utilities", "Common", "Extensions", "Manager", "Misc", "Shared"];

    private static readonly string[] RootFiles =
    [
        "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Beacon.sln", "docker-compose.yml", "test.sh", "global.json",
        "Directory.Build.props", "Directory.Packages.props", ".editorconfig", ".gitignore",
    ];

    /// <summary>
    /// Files that may catch every exception without a filter and go on, each with its reason. Short on purpose: a handler that does
    /// not know what it caught hides the defects. To clean up and throw again is free.
    /// </summary>
    private static readonly Dictionary<string, string> MayCatchEverything = new(StringComparer.Ordinal)
    {
        ["services/Topology/Grpc/TreeFeed.cs"] = "Whatever stops a feed is the answer to all who watch it: none of them may wait for ever.",
        ["services/Topology/Streams/EdgeSender.cs"] = "Whatever a bus throws, the owner of a stream goes on deciding; the failure is counted and logged.",
        ["services/Topology/Streams/StreamGrain.cs"] = "The timer must not die in silence: a failed tick comes again.",
        ["services/Topology/Streams/StreamOwner.cs"] = "The owner's pump must not die in silence: what the journal fails with, the owner outlives; what else fails gives the stream up.",
        ["Beacon.ServiceDefaults/GroupedCalls.cs"] = "Whatever a call for many ends in, each of its callers is given.",
        ["tests/Beacon.Simulation.Tests/VirtualTime.cs"] = "What virtual work ends in is kept, and thrown where the clock is turned.",
        ["tests/Beacon.Simulation.Tests/StreamSimulationTests.cs"] = "What a seed ends in is its verdict, printed with the seed.",
        ["services/Topology/Streams/CommandQueue.cs"] = "Whatever a call to an owner ends in, each of its callers is given.",
    };

    [Fact]
    public void Lines_end_without_blanks() => Offences.None(Lines(Texts().Where(file => !file.EndsWith(".md", StringComparison.Ordinal)), line => line.EndsWith(' ') || line.EndsWith('\t')));

    [Fact]
    public void Code_has_no_tabs() => Offences.None(Lines(Code(), line => line.Contains('\t', StringComparison.Ordinal)));

    [Fact]
    public void Lines_end_with_a_line_feed_alone() => Offences.None(Texts().Where(file => !file.EndsWith(".sln", StringComparison.Ordinal) && Repository.Read(file).Contains('\r', StringComparison.Ordinal)));

    [Fact]
    public void Files_end_with_one_line_feed() => Offences.None(Texts()
        .Where(file => Repository.Read(file) is { Length: > 0 } text && (!text.EndsWith('\n') || text.EndsWith("\n\n", StringComparison.Ordinal))));

    [Fact]
    public void Files_are_utf8_without_a_mark()
    {
        var strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        Offences.None(Texts().Where(file => !file.EndsWith(".sln", StringComparison.Ordinal)).Where(file =>
        {
            var bytes = File.ReadAllBytes(Path.Combine(Repository.Root, file));
            try
            {
                return strict.GetString(bytes).StartsWith('\uFEFF');
            }
            catch (DecoderFallbackException)
            {
                return true;
            }
        }));
    }

    [Fact]
    public void No_file_is_longer_than_a_reader_can_hold() => Offences.None(Code()
        .Where(file => !file.EndsWith(".proto", StringComparison.Ordinal))
        .Select(file => (file, lines: Repository.Read(file).AsSpan().Count('\n')))
        .Where(entry => entry.lines > MaxLines)
        .Select(entry => $"{entry.file}: {entry.lines} lines"));

    [Fact]
    public void There_are_no_regions() => Offences.None(Lines(Code(), line => Region().IsMatch(line)));

    [Fact]
    public void Nothing_is_left_to_do_in_a_comment() => Offences.None(Lines(Code(), line => Unfinished().IsMatch(line)));

    [Fact]
    public void Nothing_catches_everything_and_goes_on() => Offences.None(
        from file in Code()
        where file.EndsWith(".cs", StringComparison.Ordinal) && !MayCatchEverything.ContainsKey(file)
        from offence in SwallowingHandlers(Repository.Read(file))
        select $"{file}: {offence}");

    [Fact]
    public void The_list_of_exceptions_has_no_file_that_needs_none() => Offences.None(MayCatchEverything.Keys
        .Where(file => Repository.Has(file) && !SwallowingHandlers(Repository.Read(file)).Any()));

    [Fact]
    public void No_file_has_a_name_that_says_nothing() => Offences.None(Code()
        .Where(file => Path.GetFileName(file).Split('.')[0] is var name && VagueFileNames.Any(vague => name.EndsWith(vague, StringComparison.OrdinalIgnoreCase))));

    [Fact]
    public void No_path_of_a_machine_is_written_down() => Offences.None(Lines(Texts(), line => MachinePath().IsMatch(line)));

    /// <summary>A lock file that names a mirror works for one company; no configuration chooses the feed for everybody.</summary>
    [Fact]
    public void No_package_comes_from_a_named_mirror() => Offences.None(
        from file in Repository.Files
        where IsPackageConfiguration(file)
        from line in Repository.Read(file).Split('\n')
        where PackageSource().IsMatch(line)
        from Match match in Host().Matches(line)
        where match.Groups["host"].Value is not ("registry.npmjs.org" or "api.nuget.org")
        select $"{file}: {match.Value}");

    [Fact]
    public void The_root_has_what_a_newcomer_looks_for()
    {
        Expected.Require();
        Offences.None(RootFiles.Where(file => !Repository.Has(file)));
        Assert.Contains("Apache License", Repository.Read("LICENSE"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_would_find_its_offence()
    {
        Assert.Matches(Region(), "    #" + "region Fields");
        Assert.Matches(Unfinished(), "// TO" + "DO: later");
        Assert.Single(SwallowingHandlers("catch (" + "Exception exception)\n{ if (a) { b(); } }"));
        Assert.Single(SwallowingHandlers("}\n        catch\n" + "        { }\n throw;"));
        Assert.Empty(SwallowingHandlers("catch\n" + "{ if (a) { b(); } throw; }"));
        Assert.Empty(SwallowingHandlers("catch (" + "Exception exception) when (exception is IOException)\n        {"));
        Assert.Empty(SwallowingHandlers("catch (IOException)\n        {"));
        Assert.Matches(PackageSource(), "      \"resolved\": \"https://mirror.example/npm/vite.tgz\",");
        Assert.Matches(MachinePath(), "see /ro" + "ot/.nuget");
        Assert.DoesNotMatch(MachinePath(), "GET /api/streams/home/end");
    }

    private static IEnumerable<string> Texts() => Repository.Files
        .Where(file => TextEndings.Any(ending => file.EndsWith(ending, StringComparison.Ordinal)) && !GeneratedParts.Any(part => file.Contains(part, StringComparison.Ordinal)));

    private static IEnumerable<string> Code() => Texts().Where(file => CodeEndings.Any(ending => file.EndsWith(ending, StringComparison.Ordinal)));

    private static IEnumerable<string> Lines(IEnumerable<string> files, Func<string, bool> isOffence) =>
        from file in files
        from line in Repository.Read(file).Split('\n').Select((text, index) => (text: text.TrimEnd('\r'), number: index + 1))
        where isOffence(line.text)
        select $"{file}:{line.number}: {line.text.Trim()}";

    /// <summary>The handlers that catch every exception and do not throw it again.</summary>
    private static IEnumerable<string> SwallowingHandlers(string code) => CatchAll().Matches(code)
        .Where(match => !Block(code, match.Index + match.Length).Contains("throw;", StringComparison.Ordinal))
        .Select(match => match.Value.Trim());

    /// <summary>The text from the brace at <paramref name="start"/> to the one that closes it.</summary>
    private static string Block(string code, int start)
    {
        var depth = 0;
        for (var index = start; index < code.Length; index++)
        {
            depth += code[index] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
                return code[start..index];
        }

        return code[start..];
    }

    private static bool IsPackageConfiguration(string file) => Path.GetFileName(file)
        is "package-lock.json" or "package.json" or ".npmrc" or ".yarnrc.yml" or "yarn.lock" or "pnpm-lock.yaml" or "packages.lock.json"
        || Path.GetFileName(file).Equals("nuget.config", StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"^\s*#\s*(?:end)?region\b")]
    private static partial Regex Region();

    [GeneratedRegex(@"\b(?:TO(?:DO)|FIX(?:ME)|XX(?:X)|HA(?:CK))\b")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"\bcatch\s*(?:\(\s*(?:System\.)?Exception(?:\s+\w+)?\s*\)\s*)?(?=\{)")]
    private static partial Regex CatchAll();

    [GeneratedRegex(@"(?<![\w.}>*])/(?:work|root|home/\w+)/[\w.]")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"https?://(?<host>[^/""\s:]+)[^""\s]*")]
    private static partial Regex Host();

    [GeneratedRegex(@"""resolved""\s*:|\bregistry\b|<add\b.*\bvalue=|^\s*resolved ")]
    private static partial Regex PackageSource();
}
