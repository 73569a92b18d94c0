using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Spectre.Console;

namespace Beacon.Cli;

/// <summary>One run of a command: whom it asks, and how it answers.</summary>
internal sealed class CommandRun(Surroundings surroundings, Api api, bool isJson)
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    public Api Api => api;

    public bool IsJson => isJson;

    public IAnsiConsole Console => surroundings.Console;

    /// <summary>Somebody sits there and sees what is drawn.</summary>
    private bool IsWatched => !isJson && Console.Profile.Capabilities.Interactive;

    public TimeProvider Clock => surroundings.Clock;

    public string? Environment(string name) => surroundings.Environment(name);

    /// <summary>The answer as REST gives it, with the fields that have their defaults, or drawn.</summary>
    public int Show(IMessage answer, Action<IAnsiConsole> draw) => Show(() => JsonNode.Parse(Formatter.Format(answer))!, draw);

    public int Show(Func<JsonNode> answer, Action<IAnsiConsole> draw)
    {
        if (isJson)
            surroundings.Json.WriteLine(answer().ToJsonString());
        else
            draw(surroundings.Console);
        return 0;
    }

    /// <summary>Shows that something is going on, to whoever sits there.</summary>
    public Task<T> BusyAsync<T>(string what, Func<Task<T>> work) =>
        IsWatched ? Console.Status().StartAsync(what, _ => work()) : work();

    /// <summary>Shows how much is done, to whoever sits there.</summary>
    /// <param name="work">Says how much, 0 to 1.</param>
    public Task<T> ProgressAsync<T>(string what, Func<IProgress<double>?, Task<T>> work) =>
        IsWatched ? Console.Progress().StartAsync(context => work(new Bar(context.AddTask(what, maxValue: 1)))) : work(null);

    /// <summary>Micro-credits as credits, to the last digit: 1234567 is <c>1.234567</c>.</summary>
    public static string Credits(long microcredits) => (microcredits / 1_000_000m).ToString("#,0.######", CultureInfo.InvariantCulture);

    public static string Time(Timestamp? time) => time is null ? "" : time.ToDateTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static string Number(double number, string format = "0.#") => number.ToString(format, CultureInfo.InvariantCulture);

    public static Table Table(params string[] columns)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var column in columns)
            table.AddColumn(new TableColumn(new Text(column.TrimStart('#'))) { Alignment = column.StartsWith('#') ? Justify.Right : Justify.Left });
        return table;
    }

    /// <summary>Texts come from strangers: they are shown, never obeyed as markup.</summary>
    public static void AddRow(Table table, params string[] cells) => table.AddRow(cells.Select(cell => new Text(cell)));

    /// <summary>At once, where <see cref="Progress{T}"/> would come later and in any order.</summary>
    private sealed class Bar(ProgressTask task) : IProgress<double>
    {
        public void Report(double value) => task.Value = value;
    }
}
