namespace Beacon.Ledger.Journal;

/// <summary><c>verify FILE</c>: proves a ledger file, running or not, and says so in one line of JSON.</summary>
public static class VerifyCommand
{
    /// <summary>The exit code when the arguments are this command: 0 sound, 1 not; null when they are not.</summary>
    public static int? Run(string[] args, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (args is not ["verify", ..])
            return null;
        if (args is not [_, var path])
        {
            output.WriteLine("""{"sound":false,"problems":["verify takes one argument: the file"]}""");
            return 1;
        }

        var proof = LedgerProof.Of(path);
        output.WriteLine(proof.ToJson(path).ToJsonString());
        return proof.IsSound ? 0 : 1;
    }
}
