using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;

namespace Beacon.ServiceDefaults;

/// <summary>
/// The folder of what must survive a restart: keys and the ledger's file. <c>Beacon:DataDirectory</c>, by default
/// <c>.beacon</c> under the content root; a relative path starts at the content root.
/// </summary>
public static class DataDirectory
{
    public const string Key = "Beacon:DataDirectory";

    /// <summary>The full path of a file in the data directory, which is made if it is not there.</summary>
    public static string DataFile(this IHostApplicationBuilder builder, string fileName)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var directory = Path.Combine(builder.Environment.ContentRootPath, builder.Configuration[Key] is { Length: > 0 } set ? set : ".beacon");
        Directory.CreateDirectory(directory);
        return Path.Combine(directory, fileName);
    }

    /// <summary>Random bytes that are made once and kept, readable by the owner alone.</summary>
    public static byte[] SecretFile(this IHostApplicationBuilder builder, string fileName, Func<byte[]> make)
    {
        ArgumentNullException.ThrowIfNull(make);
        var path = builder.DataFile(fileName);
        if (File.Exists(path))
            return File.ReadAllBytes(path);
        var made = make();
        // Written beside and renamed: a crash leaves no half a key.
        var partial = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        var open = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            open.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(partial, open))
            file.Write(made);
        try
        {
            File.Move(partial, path, overwrite: false);
            return made;
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process of the same folder was first.
            File.Delete(partial);
            return File.ReadAllBytes(path);
        }
    }
}
