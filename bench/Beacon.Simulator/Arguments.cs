using System.Globalization;

namespace Beacon.Simulator;

/// <summary>What the command line asks for. What is not said has the value that the verb is usually asked with.</summary>
internal sealed class Arguments
{
    public const string Usage = """
        Beacon.Simulator VERB [options] [--json]
          flash      --peers 100000 --seed 7                      an audience that comes at once
          churn      --peers 4000 --minutes 60 --stripes 1        an audience that comes and goes, without a goodbye
          massfail   --peers 10000 --fraction 0.1                 a part of the audience is lost in one moment
          superpeer  --peers 10000 --children 1000                one parent of so many is lost
          import     --peers 10000 --into 3000                    an audience is handed over into a live tree
          compare    --peers 1000 --minutes 60                    one trace through four policies
        One line of JSON on standard output, everything else on standard error.
        """;

    private static readonly Dictionary<string, string[]> Known = new(StringComparer.Ordinal)
    {
        ["flash"] = ["peers", "seed"],
        ["churn"] = ["peers", "minutes", "stripes", "seed"],
        ["massfail"] = ["peers", "fraction", "seed"],
        ["superpeer"] = ["peers", "children", "seed"],
        ["import"] = ["peers", "into", "seed"],
        ["compare"] = ["peers", "minutes", "seed"],
    };

    private readonly Dictionary<string, double> _values;

    private Arguments(string verb, Dictionary<string, double> values)
    {
        Verb = verb;
        _values = values;
    }

    public string Verb { get; }

    public int Peers => (int)Value("peers", Verb switch { "flash" => 100_000, "churn" => 4_000, "compare" => 1_000, _ => 10_000 }, 10, 5_000_000);

    public int Into => (int)Value("into", 3_000, 10, 1_000_000);

    public int Seed => (int)Value("seed", 7, 0, int.MaxValue);

    public int Minutes => (int)Value("minutes", 60, 1, 10_000);

    public int Stripes => (int)Value("stripes", 1, 1, 16);

    public double Fraction => Value("fraction", 0.1, 0.0001, 0.9);

    public int Children => (int)Value("children", 1_000, 2, 30_000);

    public static Arguments Parse(string[] args)
    {
        if (args.Length == 0 || !Known.TryGetValue(args[0], out var known))
            throw new UsageException(args.Length == 0 ? "Which verb?" : $"There is no verb '{args[0]}'.");
        var values = new Dictionary<string, double>(StringComparer.Ordinal);
        for (var i = 1; i < args.Length; i++)
        {
            if (args[i] == "--json")
                continue;
            var name = args[i].StartsWith("--", StringComparison.Ordinal) ? args[i][2..] : "";
            if (!known.Contains(name))
                throw new UsageException($"'{args[0]}' does not know '{args[i]}'.");
            if (++i == args.Length || !double.TryParse(args[i], NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
                throw new UsageException($"'--{name}' needs a number.");
            values[name] = value;
        }

        return new Arguments(args[0], values);
    }

    private double Value(string name, double otherwise, double least, double most)
    {
        var value = _values.GetValueOrDefault(name, otherwise);
        return value >= least && value <= most
            ? value
            : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"'--{name}' is {value}, and goes from {least} to {most}."));
    }
}

/// <summary>The command line cannot be understood.</summary>
internal sealed class UsageException(string message) : Exception(message);
