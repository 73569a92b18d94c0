using System.CommandLine;
using Beacon.Contracts.Raids.V1;
using Beacon.Contracts.Topology.V1;
using Spectre.Console;

namespace Beacon.Cli;

/// <summary>What is live, and how its trees stand.</summary>
internal static class StreamCommands
{
    private static readonly Argument<string> StreamId = new("stream") { Description = "The stream's id." };
    private static readonly Option<uint> Stripe = new("--stripe") { Description = "The stripe, 0 for the first." };

    public static Command Streams(CommandMaker maker)
    {
        var query = new Option<string>("--search") { Description = "Part of a title or a channel.", DefaultValueFactory = _ => "" };
        var most = Most("streams", 100, 10_000);
        return maker.Create("streams", "Lists the live streams, the largest first.", [query, most], async (run, parsed, cancellation) =>
        {
            var found = new ListStreamsResponse();
            do
            {
                var left = parsed.GetValue(most) - found.Streams.Count;
                var page = await run.Api.AskAsync<ListStreamsResponse>(
                    $"/api/streams?pageSize={Math.Min(left, 100)}&query={Uri.EscapeDataString(parsed.GetValue(query)!)}&pageToken={Uri.EscapeDataString(found.NextPageToken)}", cancellation);
                found.NextPageToken = "";
                found.MergeFrom(page);
            }
            while (found.NextPageToken.Length > 0 && found.Streams.Count < parsed.GetValue(most));
            return run.Show(found, console =>
            {
                var table = CommandRun.Table("stream", "channel", "title", "#viewers", "#spare slots", "since");
                foreach (var stream in found.Streams)
                    CommandRun.AddRow(table, stream.StreamId, stream.Channel, stream.Title, $"{stream.Viewers}", $"{stream.SpareSlots}", CommandRun.Time(stream.StartedAt));
                console.Write(table);
                console.MarkupLineInterpolated($"[grey]{found.Streams.Count} live{(found.NextPageToken.Length > 0 ? ", and more" : "")}[/]");
            });
        });
    }

    public static Command Tree(CommandMaker maker)
    {
        var most = Most("peers", 200, 100_000);
        return maker.Create("tree", "Draws the tree of a stream: who feeds whom.", [StreamId, Stripe, most], async (run, parsed, cancellation) =>
        {
            var tree = new GetTreeResponse();
            do
            {
                var page = await run.Api.AskAsync<GetTreeResponse>(
                    $"/api/streams/{Uri.EscapeDataString(parsed.GetValue(StreamId)!)}/tree?stripe={parsed.GetValue(Stripe)}&pageSize={Math.Min(parsed.GetValue(most) - tree.Peers.Count, 10_000)}&pageToken={Uri.EscapeDataString(tree.NextPageToken)}",
                    cancellation);
                tree.NextPageToken = "";
                tree.MergeFrom(page);
            }
            while (tree.NextPageToken.Length > 0 && tree.Peers.Count < parsed.GetValue(most));
            return run.Show(tree, console => TreePicture.Draw(console, tree));
        });
    }

    public static Command Explain(CommandMaker maker)
    {
        var peer = new Argument<string>("peer") { Description = "The peer's id." };
        return maker.Create("explain", "Says why a peer stands where it stands.", [StreamId, peer, Stripe], async (run, parsed, cancellation) =>
        {
            var found = await run.Api.AskAsync<ExplainPeerResponse>(
                $"/api/streams/{Uri.EscapeDataString(parsed.GetValue(StreamId)!)}/peers/{Uri.EscapeDataString(parsed.GetValue(peer)!)}/explain?stripe={parsed.GetValue(Stripe)}", cancellation);
            return run.Show(found, console =>
            {
                var place = found.Peer.ParentPeerId.Length > 0 ? $"below {found.Peer.ParentPeerId}" : found.Peer.Depth == 0 ? "at the root" : "waiting";
                console.MarkupLineInterpolated($"[bold]{found.Peer.PeerId}[/] stands {place}, depth {found.Peer.Depth}: [bold]{found.Reason}[/] {CommandRun.Time(found.DecidedAt)}");
                if (found.Candidates.Count == 0)
                    return;
                var table = CommandRun.Table("candidate", "#depth", "#spare slots", "#spare Mbit/s", "#round trip ms", "verdict");
                foreach (var candidate in found.Candidates)
                {
                    CommandRun.AddRow(
                        table, candidate.PeerId, $"{candidate.Depth}", $"{candidate.SpareSlots}", CommandRun.Number(candidate.SpareUplinkMbps), CommandRun.Number(candidate.LatencyMs),
                        candidate.Chosen ? "chosen" : candidate.Verdict);
                }

                console.Write(table);
            });
        });
    }

    private static Option<int> Most(string what, int otherwise, int limit)
    {
        var option = new Option<int>("--max") { Description = $"How many {what} at most (1 to {limit}).", DefaultValueFactory = _ => otherwise };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is var value && (value < 1 || value > limit))
                result.AddError($"'--max' is {value}, and goes from 1 to {limit}.");
        });
        return option;
    }
}
