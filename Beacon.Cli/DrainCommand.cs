using System.CommandLine;
using Beacon.Contracts.Signaling.V1;
using Spectre.Console;

namespace Beacon.Cli;

/// <summary>Empties one replica of the edge before it is stopped.</summary>
internal static class DrainCommand
{
    private const string Path = "/api/operator/drain";

    public static Command Create(CommandMaker maker)
    {
        var seconds = new Option<uint>("--seconds") { Description = "Over how long its sessions go elsewhere (0 to 3600).", DefaultValueFactory = _ => 30 };
        var stop = new Option<bool>("--stop") { Description = "Takes sessions again." };
        var noWait = new Option<bool>("--no-wait") { Description = "Does not wait until it is empty." };
        return maker.Create("drain", "Empties the Signaling replica at --url: it takes no sessions any more, and those that it has go elsewhere.", [seconds, stop, noWait], async (run, parsed, cancellation) =>
        {
            if (parsed.GetValue(stop))
            {
                var stopped = await run.Api.CallAsync<StopDrainResponse>(HttpMethod.Delete, Path, null, cancellation);
                return run.Show(stopped, console => console.MarkupLineInterpolated($"[bold]{stopped.Drain.EdgeId}[/] takes sessions again; it has {stopped.Drain.Sessions}."));
            }

            var started = (await run.Api.CallAsync<StartDrainResponse>(HttpMethod.Post, Path, new { seconds = parsed.GetValue(seconds) }, cancellation)).Drain;
            if (parsed.GetValue(noWait))
                return run.Show(started, console => console.MarkupLineInterpolated($"[bold]{started.EdgeId}[/] lets {started.Sessions} sessions go until {CommandRun.Time(started.EndsAt)}."));

            var left = await run.ProgressAsync("sessions gone", progress =>
                WaitAsync(run, drain => progress?.Report(1 - (Math.Min(started.Sessions, drain.Sessions) / (double)Math.Max(1, started.Sessions))), cancellation));
            return run.Show(left, console => console.MarkupLineInterpolated($"[bold]{left.EdgeId}[/] is empty. Stop it, or take it back with --stop."));
        });
    }

    private static async Task<EdgeDrain> WaitAsync(CommandRun run, Action<EdgeDrain> glance, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500), run.Clock);
        while (true)
        {
            var drain = (await run.Api.CallAsync<GetDrainResponse>(HttpMethod.Get, Path, null, cancellation)).Drain;
            glance(drain);
            if (!drain.Draining)
                throw new RefusedException("drain_stopped", "Somebody took the replica back.", isRetryable: false);
            if (drain.Sessions == 0)
                return drain;
            await timer.WaitForNextTickAsync(cancellation);
        }
    }
}
