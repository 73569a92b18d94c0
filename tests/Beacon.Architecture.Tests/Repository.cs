using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Beacon.Architecture.Tests;

/// <summary>The working tree that these tests were built from.</summary>
internal static class Repository
{
    private static readonly HashSet<string> MadeFolders = ["bin", "obj", "node_modules", "dist", "wwwroot", "gen", ".git", ".beacon", "TestResults", "artifacts", "BenchmarkDotNet.Artifacts"];

    private static readonly Lazy<IReadOnlyList<string>> Tracked = new(ListFiles);

    public static string Root { get; } = Path.GetFullPath(Path.Combine(Here(), "..", ".."));

    /// <summary>Paths of all files, relative to the root, with forward slashes.</summary>
    public static IReadOnlyList<string> Files => Tracked.Value;

    /// <summary>The services by their folders' names.</summary>
    public static IReadOnlyList<string> Services { get; } =
    [
        .. Files.Where(file => file.StartsWith("services/", StringComparison.Ordinal) && file.EndsWith(".csproj", StringComparison.Ordinal))
            .Select(file => file.Split('/')[1]).Order(StringComparer.Ordinal),
    ];

    public static IReadOnlyList<string> Projects { get; } = [.. Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal))];

    public static bool Has(string file) => File.Exists(Path.Combine(Root, file));

    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    /// <summary>What a project references, as project names.</summary>
    public static IReadOnlyList<string> References(string project) =>
    [
        .. XDocument.Parse(Read(project)).Descendants("ProjectReference")
            .Select(reference => (string)reference.Attribute("Include")!)
            .Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/'))),
    ];

    /// <summary>What git tracks or would track; without git (an unpacked archive), what lies there and is not made by a build.</summary>
    private static List<string> ListFiles()
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", "ls-files --cached --others --exclude-standard -z")
            {
                WorkingDirectory = Root,
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var list = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            if (git.ExitCode == 0)
                return [.. list.Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(Has).Order(StringComparer.Ordinal)];
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No git on this machine.
        }

        return
        [
            .. Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'))
                .Where(file => !file.Split('/').Any(MadeFolders.Contains))
                .Order(StringComparer.Ordinal),
        ];
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
