using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Beacon.Contracts.Signaling.V1;
using Beacon.Swarm.Wire;

namespace Beacon.Swarm;

/// <summary>Drives a live server with streams of synthetic viewers, phase by phase.</summary>
internal static class Live
{
    /// <summary>Few at once make many small batches: what runs once a batch is compiled as well by then as what runs once a viewer.</summary>
    private const int WarmUpInFlight = 8;

    /// <summary>Its socket, and the two of the balancer before the replicas, which is in this process.</summary>
    private const int FilesPerViewerOfCluster = 3;

    /// <summary>With fewer, a stream may have no parents to lose.</summary>
    private const int WarmUpViewersPerStream = 40;

    private static readonly string[] AllPhases = ["connect", "join", "signal", "report", "tip", "heal"];

    private static readonly Option<int> Viewers = Beacon.Benchmarks.Verb.Number("--viewers", 5_000, 10, 15_000, "Viewers of all streams together.");
    private static readonly Option<int> Streams = Beacon.Benchmarks.Verb.Number("--streams", 1, 1, 100, "Streams that they watch, so many each.");
    private static readonly Option<int> InFlight = Beacon.Benchmarks.Verb.Number("--in-flight", 512, 1, 15_000, "Operations under way at once.");
    private static readonly Option<int> WarmUpSeconds = Beacon.Benchmarks.Verb.Number("--warm-up", 10, 0, 600, "Least seconds of all phases in small, before anything counts; they go on until the server has compiled its code, at most ten times as long.");
    private static readonly Option<int> SignalsPerViewer = Beacon.Benchmarks.Verb.Number("--signals", 20, 1, 200, "Signals that each viewer sends to its parent.");
    private static readonly Option<int> ReportsPerViewer = Beacon.Benchmarks.Verb.Number("--reports", 5, 1, 6, "Reports of each viewer.");
    private static readonly Option<int> Tips = Beacon.Benchmarks.Verb.Number("--tips", 5_000, 1, 1_000_000, "Tips.");
    private static readonly Option<int> Orphans = Beacon.Benchmarks.Verb.Number("--orphans", 1_000, 1, 15_000, "Viewers that lose their parent at once, at least.");
    private static readonly Option<string> Phases = new("--phases") { Description = "Which, in this order; signal, report and heal need join.", DefaultValueFactory = _ => string.Join(',', AllPhases) };
    private static readonly Option<Uri?> Url = new("--url")
    {
        Description = "A running server, http://host:port, instead of one of its own.",
        // The library knows no Uri.
        CustomParser = given =>
        {
            if (Uri.TryCreate(given.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
                return url;
            given.AddError($"--url is http://host:port, not '{given.Tokens[0].Value}'.");
            return null;
        },
    };
    private static readonly Option<int?> ServerPid = new("--server-pid") { Description = "The process of --url, for its processor time and memory." };
    private static readonly Option<string> OperatorKey = new("--operator-key") { Description = "The operator key of --url; tips need it.", DefaultValueFactory = _ => "" };
    private static readonly Option<bool> SelfHost = new("--self-host") { Description = "Start Beacon.Server as a child process (the default without --url)." };
    private static readonly Option<int> Replicas = Beacon.Benchmarks.Verb.Number("--replicas", 0, 0, 5, "Start the four services as processes over a real Redis and RabbitMQ, so many of Signaling, Topology and Raids; 0 = Beacon.Server.");
    private static readonly Option<bool> AgainstOne = new("--against-one") { Description = "With --replicas: measure one replica of each too, turn by turn, and print how many times as much processor time each operation takes." };
    private static readonly Option<int> Rounds = Beacon.Benchmarks.Verb.Number("--rounds", 1, 1, 50, "Plays all phases so many times and prints the median of each figure.");
    private static readonly Option<bool> Compare = new("--compare") { Description = "Measure the signals of a small socket.io server too, in the same run." };
    private static readonly Option<bool> SignedTickets = new("--signed-tickets") { Description = "Have every edge ticket signed with ES256, as for clients that do not take HS256." };

    public static Command Command() => Beacon.Benchmarks.Verb.Create(
        "live",
        "Synthetic viewers against a live server, over the real protocol.",
        [Viewers, Streams, Phases, Url, ServerPid, OperatorKey, SelfHost, InFlight, WarmUpSeconds, SignalsPerViewer, ReportsPerViewer, Tips, Orphans, Replicas, AgainstOne, Rounds, Compare, SignedTickets],
        RunAsync);

    private static async Task<JsonObject> RunAsync(ParseResult asked, TextWriter log, CancellationToken cancellation)
    {
        var phases = asked.GetValue(Phases)!.Split(',', StringSplitOptions.RemoveEmptyEntries);
        if (phases.FirstOrDefault(phase => !AllPhases.Contains(phase, StringComparer.Ordinal)) is { } unknown)
            throw new InvalidOperationException($"There is no phase '{unknown}'; there are {string.Join(", ", AllPhases)}.");
        var replicas = asked.GetValue(Replicas);
        if (asked.GetValue(AgainstOne) && replicas < 2)
            throw new InvalidOperationException("--against-one compares with --replicas 2 or more.");
        if (replicas > 0 && OpenFiles.Most < asked.GetValue(Viewers) * FilesPerViewerOfCluster)
            throw new InvalidOperationException($"{asked.GetValue(Viewers)} viewers of a cluster take {FilesPerViewerOfCluster} open files each, and this process may have {OpenFiles.Most}: fewer --viewers, or more of `ulimit -n`.");
        await using var server = asked.GetValue(Url) is { } url && !asked.GetValue(SelfHost)
            ? Server.Elsewhere(url, asked.GetValue(ServerPid), asked.GetValue(OperatorKey)!)
            : replicas > 0 ? await Server.StartClusterAsync(SelfHostSettings, replicas) : await Server.StartAsync(SelfHostSettings);
        await using var single = asked.GetValue(AgainstOne) ? await Server.StartClusterAsync(SelfHostSettings, replicas: 1) : null;
        using var crowd = new Crowd(server);
        using var singleCrowd = single is null ? null : new Crowd(single);
        var runs = new List<LiveRun> { new(server, crowd, acceptsMacTickets: !asked.GetValue(SignedTickets)) };
        if (single is not null)
            runs.Add(new LiveRun(single, singleCrowd!, acceptsMacTickets: !asked.GetValue(SignedTickets)));

        await log.WriteLineAsync("warming up");
        foreach (var run in runs)
            await run.WarmUpAsync(new Sizes(Math.Max(200, WarmUpViewersPerStream * asked.GetValue(Streams)), asked.GetValue(Streams), 10, 5, 50, 20, WarmUpInFlight), AllPhases, TimeSpan.FromSeconds(asked.GetValue(WarmUpSeconds)), log);

        var viewers = asked.GetValue(Viewers);
        var sizes = new Sizes(
            viewers, asked.GetValue(Streams), asked.GetValue(SignalsPerViewer), asked.GetValue(ReportsPerViewer), asked.GetValue(Tips), asked.GetValue(Orphans), asked.GetValue(InFlight));
        var rounds = runs.ConvertAll(_ => new List<JsonObject>());
        for (var round = 0; round < asked.GetValue(Rounds); round++)
        {
            for (var turn = 0; turn < runs.Count; turn++)
                rounds[turn].Add(await runs[turn].PlayAsync(sizes, phases, log));
        }

        var report = new JsonObject { ["viewers"] = viewers, ["streams"] = asked.GetValue(Streams), ["replicas"] = replicas };
        LiveRounds.WriteMedians(rounds[0], report);
        if (single is not null)
            LiveRounds.WriteRatios(rounds[0], rounds[1], report);
        if (asked.GetValue(Compare))
            await SocketIoYardstick.MeasureAsync(report, viewers, asked.GetValue(SignalsPerViewer), asked.GetValue(InFlight), asked.GetValue(WarmUpSeconds), log, cancellation);
        return report;
    }

    /// <summary>All viewers share one address and one machine here, and are silent while another phase is measured.</summary>
    public static IReadOnlyDictionary<string, string> SelfHostSettings { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["Logging:LogLevel:Default"] = "Warning",
        ["Logging:LogLevel:Beacon.Server"] = "Information",
        ["Beacon:Topology:PeerSilenceSeconds"] = "300",
        ["Beacon:Topology:ResendAfterSeconds"] = "60",
        // As wide as the tree gets once receipts have proved the uplinks.
        ["Beacon:Topology:SlowStartSlots"] = "8",
        ["Beacon:Signaling:SignalsPerSecond"] = "10000",
        ["Beacon:Signaling:SignalBurst"] = "10000",
        ["Beacon:Signaling:JoinsPerSecond"] = "1000",
        ["Beacon:Signaling:JoinBurst"] = "1000",
        ["Beacon:Signaling:HandshakesPerSecondPerAddress"] = "100000",
        ["Beacon:Signaling:HandshakeBurstPerAddress"] = "100000",
        ["Beacon:Signaling:GuestsPerSecondPerAddress"] = "100000",
        ["Beacon:Signaling:GuestBurstPerAddress"] = "100000",
        ["Beacon:Signaling:CallsPerSecondPerAccount"] = "100000",
        ["Beacon:Signaling:CallBurstPerAccount"] = "100000",
        ["Beacon:Signaling:CallsPerSecondPerAddress"] = "100000",
        ["Beacon:Signaling:CallBurstPerAddress"] = "100000",
    };
}

/// <summary>How much of each phase.</summary>
internal sealed record Sizes(int Viewers, int Streams, int SignalsPerViewer, int ReportsPerViewer, int Tips, int Orphans, int InFlight);

/// <summary>All streams from their start to their end.</summary>
internal sealed class LiveRun(Server server, Crowd crowd, bool acceptsMacTickets)
{
    /// <summary>Of the processor time, what compilers take of a server that is warm.</summary>
    private const double CompiledShare = 0.02;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private double _idleShare;

    /// <summary>All phases in small until that time has passed, and the server's processes compile next to nothing any more.</summary>
    public async Task WarmUpAsync(Sizes sizes, IReadOnlyList<string> phases, TimeSpan least, TextWriter log)
    {
        var compilers = new Compilers(server.Pids);
        var startedAt = Stopwatch.GetTimestamp();
        for (var share = 1.0; Stopwatch.GetElapsedTime(startedAt) < least || (share > CompiledShare && Stopwatch.GetElapsedTime(startedAt) < 10 * least);)
        {
            var (compiled, spent) = (compilers.ProcessorTime(), server.ProcessorTime);
            await PlayAsync(sizes, phases, log: null);
            share = server.IsObserved ? (compilers.ProcessorTime() - compiled) / (server.ProcessorTime - spent) : 0;
            await log.WriteLineAsync($"warming up: {Stopwatch.GetElapsedTime(startedAt).TotalSeconds:F0} s, {share:P0} of the processor time was the compiler's");
        }
    }

    /// <param name="log">Null while nothing counts.</param>
    public async Task<JsonObject> PlayAsync(Sizes sizes, IReadOnlyList<string> phases, TextWriter? log)
    {
        var report = new JsonObject();
        var guests = await crowd.GuestsAsync(sizes.Viewers + sizes.Streams);
        await Phase.RestAsync(server);
        var residentBefore = server.ResidentKib;
        var peers = guests.Select(guest => new Peer(guest)).ToArray();
        try
        {
            var (roots, viewers) = (peers[sizes.Viewers..], peers[..sizes.Viewers]);
            foreach (var root in roots)
                await root.ConnectAsync(crowd.Endpoint);
            await ConnectAsync(viewers, sizes.InFlight, report);
            await Phase.RestAsync(server);
            if (server.IsObserved)
                report["rss_kib_per_connection"] = Math.Round((server.ResidentKib - residentBefore) / (double)viewers.Length, 1);
            if (server.IsObserved && log is not null)
                report["idle_cores"] = Math.Round(_idleShare = await Phase.IdleShareAsync(server), 3);
            foreach (var phase in phases.Where(phase => phase != "connect"))
            {
                if (log is not null)
                    await log.WriteLineAsync(phase);
                await (phase switch
                {
                    "join" => JoinAsync(roots, viewers, sizes.InFlight, report),
                    "signal" => SignalAsync(viewers, peers, sizes, report),
                    "report" => ReportAsync(viewers, sizes, report),
                    "tip" => TipAsync(roots[0], sizes, report),
                    _ => HealAsync(viewers, sizes.Orphans, report),
                });
            }

            report["closed_by_server"] = viewers.Count(viewer => viewer.CloseCode != 0);
            return report;
        }
        finally
        {
            foreach (var peer in peers)
                peer.Dispose();
        }
    }

    private async Task ConnectAsync(Peer[] viewers, int inFlight, JsonObject report)
    {
        var phase = Phase.Begin(server, viewers.Length, _idleShare);
        await Crowd.ForAllAsync(viewers.Length, inFlight, async index =>
        {
            var startedAt = Stopwatch.GetTimestamp();
            await viewers[index].ConnectAsync(crowd.Endpoint);
            phase.Timings.Add(startedAt);
        });
        await phase.EndAsync(report, "connect", viewers.Length);
    }

    private async Task JoinAsync(Peer[] roots, Peer[] viewers, int inFlight, JsonObject report)
    {
        foreach (var root in roots)
            await root.GoLiveAsync();
        var phase = Phase.Begin(server, viewers.Length, _idleShare);
        await Crowd.ForAllAsync(viewers.Length, inFlight, async index =>
        {
            var startedAt = Stopwatch.GetTimestamp();
            await viewers[index].JoinAsync(roots[index % roots.Length].StreamId, acceptsMacTickets);
            phase.Timings.Add(startedAt);
        }).WaitAsync(Patience);
        await phase.EndAsync(report, "join", viewers.Length);
    }

    private async Task SignalAsync(Peer[] viewers, Peer[] all, Sizes sizes, JsonObject report)
    {
        var total = viewers.Length * sizes.SignalsPerViewer;
        var phase = Phase.Begin(server, total, _idleShare);
        using var relays = new Relays(total, sizes.InFlight, phase.Timings);
        foreach (var peer in all)
            (peer.SignalArrived, peer.SignalRefused) = (relays.Take, relays.Refuse);
        var spentBefore = server.ProcessorTime;
        for (var round = 0; round < sizes.SignalsPerViewer; round++)
        {
            foreach (var viewer in viewers)
            {
                var candidate = await relays.NextAsync();
                viewer.Send(new ClientFrame { Signal = new Signal { StreamId = viewer.StreamId, PeerId = viewer.ParentId, Candidate = candidate } });
            }
        }

        await relays.Arrived.WaitAsync(Patience);
        await phase.EndAsync(report, "signal", total);
        report["signal_refused"] = relays.Refused;
        if (server.IsObserved)
            report["signal_relays_per_server_cpu_s"] = Math.Round(total / (server.ProcessorTime - spentBefore).TotalSeconds);
    }

    /// <summary>Reports are not answered: the time is that of a frame behind the last of them, which is.</summary>
    private async Task ReportAsync(Peer[] viewers, Sizes sizes, JsonObject report)
    {
        var phase = Phase.Begin(server, viewers.Length, _idleShare);
        await Crowd.ForAllAsync(viewers.Length, sizes.InFlight, async index =>
        {
            var startedAt = Stopwatch.GetTimestamp();
            for (var round = 0; round < sizes.ReportsPerViewer; round++)
                viewers[index].Report();
            await viewers[index].FenceAsync();
            phase.Timings.Add(startedAt);
        }).WaitAsync(Patience);
        await phase.EndAsync(report, "report", viewers.Length * sizes.ReportsPerViewer);
    }

    private async Task TipAsync(Peer root, Sizes sizes, JsonObject report)
    {
        var tipper = await crowd.RichGuestAsync(sizes.Tips * 1_000_000L);
        await Phase.RestAsync(server);
        var phase = Phase.Begin(server, sizes.Tips, _idleShare);
        await Crowd.ForAllAsync(sizes.Tips, Math.Min(sizes.InFlight, 256), async _ =>
        {
            var startedAt = Stopwatch.GetTimestamp();
            await crowd.PostAsync("/api/tip", tipper, new { streamId = root.StreamId, amountMicrocredits = 1_000_000, transferId = Guid.CreateVersion7() });
            phase.Timings.Add(startedAt);
        });
        await phase.EndAsync(report, "tip", sizes.Tips);
    }

    /// <summary>Relays go at once, as tabs do that are closed, and each of their children waits for another parent.</summary>
    private async Task HealAsync(Peer[] viewers, int orphansAsked, JsonObject report)
    {
        await Phase.RestAsync(server);
        // Only now: trees improve while nothing is asked of them.
        var (victims, orphans) = Victims(viewers, orphansAsked);
        var phase = Phase.Begin(server, orphans.Count, _idleShare);
        var startedAt = Stopwatch.GetTimestamp();
        foreach (var victim in victims)
            victim.SayGoodbye();
        var closedAt = Stopwatch.GetTimestamp();
        // Who was given another parent between the look and the loss has lost none.
        var lost = victims.Select(victim => victim.PeerId).ToHashSet(StringComparer.Ordinal);
        orphans.RemoveAll(orphan => orphan.AssignedAt < startedAt && !lost.Contains(orphan.ParentId));
        using var glance = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (orphans.Any(orphan => orphan.AssignedAt < startedAt) && Stopwatch.GetElapsedTime(startedAt) < Patience)
            await glance.WaitForNextTickAsync();
        var healed = orphans.Where(orphan => orphan.AssignedAt >= startedAt).ToList();
        foreach (var orphan in healed)
            phase.Timings.AddTicks(orphan.AssignedAt - startedAt);
        await phase.EndAsync(report, "heal", orphans.Count);
        report["heal_lost"] = victims.Count;
        report["heal_orphans"] = healed.Count;
        report["heal_unplaced"] = orphans.Count - healed.Count;
        report["heal_ms"] = healed.Count == 0 ? 0 : Math.Round(Stopwatch.GetElapsedTime(startedAt, healed.Max(orphan => orphan.AssignedAt)).TotalMilliseconds, 1);
        report["heal_closing_ms"] = Math.Round(Stopwatch.GetElapsedTime(startedAt, closedAt).TotalMilliseconds, 1);
    }

    /// <summary>Parents, none of which is another's child, until they have so many children together.</summary>
    private static (List<Peer> Victims, List<Peer> Orphans) Victims(Peer[] viewers, int orphansAsked)
    {
        var children = viewers.ToLookup(viewer => viewer.ParentId, StringComparer.Ordinal);
        var spared = new HashSet<string>(StringComparer.Ordinal);
        var (victims, orphans) = (new List<Peer>(), new List<Peer>());
        foreach (var viewer in viewers.Where(viewer => children.Contains(viewer.PeerId)).OrderByDescending(viewer => children[viewer.PeerId].Count()))
        {
            if (orphans.Count >= orphansAsked)
                break;
            if (spared.Contains(viewer.PeerId) || victims.Any(victim => victim.PeerId == viewer.ParentId))
                continue;
            victims.Add(viewer);
            spared.Add(viewer.ParentId);
            foreach (var child in children[viewer.PeerId])
            {
                orphans.Add(child);
                spared.Add(child.PeerId);
            }
        }

        return (victims, orphans);
    }
}
