using System.Data.Common;
using System.Text.Json.Nodes;
using Beacon.Ledger.Journal.Postgres;

namespace Beacon.Ledger.Journal;

/// <summary>
/// What the program does instead of serving, and says in one line of JSON: <c>verify LEDGER</c> proves a ledger, running or
/// not; <c>move FILE DATABASE</c> moves one from a file to PostgreSQL.
/// </summary>
public static class LedgerCommand
{
    /// <summary>The exit code when the arguments are a command: 0 sound, 1 not; null when they are not.</summary>
    public static int? Run(string[] args, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        switch (args)
        {
            case ["verify", var ledger]:
                return Tell(LedgerProof.Of(ledger), ledger, output);
            case ["verify", ..]:
                return Refuse("verify takes one argument: the file", output);
            case ["move", var file, var database]:
                try
                {
                    return Tell(LedgerMove.Run(Path.GetFullPath(file), database), database, output);
                }
                catch (Exception exception) when (exception is MoveRefusedException or DbException or IOException or UnauthorizedAccessException)
                {
                    return Refuse(exception.Message, output);
                }

            case ["move", ..]:
                return Refuse("move takes two arguments: the file, and the connection string of an empty database", output);
            default:
                return null;
        }
    }

    private static int Tell(LedgerProof proof, string target, TextWriter output)
    {
        output.WriteLine(proof.ToJson(target).ToJsonString());
        return proof.IsSound ? 0 : 1;
    }

    private static int Refuse(string problem, TextWriter output)
    {
        output.WriteLine(new JsonObject { ["sound"] = false, ["problems"] = new JsonArray(problem) }.ToJsonString());
        return 1;
    }
}
