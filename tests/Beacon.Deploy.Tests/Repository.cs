namespace Beacon.Deploy.Tests;

internal static class Repository
{
    public static string PathOf(string file) => Path.Combine(Testing.Repository.Root, file);

    public static string Read(string file) => File.ReadAllText(PathOf(file));
}
