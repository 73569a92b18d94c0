using System.Diagnostics;
using System.Text;
using Beacon.Contracts.Raids.V1;
using Beacon.Contracts.Signaling.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Signaling.Identity;
using Beacon.Signaling.Tickets;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Sessions;

/// <summary>
/// What each frame of a client does. Called one frame at a time per session, so nothing here races with itself. A returned
/// fault, and a call that failed with a reason, becomes an <c>error</c> frame; in both cases nothing has changed.
/// </summary>
internal sealed class FrameHandler(
    Edge edge,
    SignalRouter router,
    ReportBatcher reports,
    Directives directives,
    Tickets.Tickets tickets,
    Departures departures,
    RaidNotices raidNotices,
    AccessTokens accessTokens,
    TopologyCalls calls,
    TopologyEdgeService.TopologyEdgeServiceClient topology,
    RaidsService.RaidsServiceClient raids,
    IOptions<SignalingOptions> options,
    SignalingMetrics metrics,
    TimeProvider clock)
{
    private const int MaxEdgesPerReport = 64;
    private const int MaxDigests = 32;
    private const int DigestBytes = 32;
    private static readonly string[] AddressTypes = ["typ host", "typ srflx", "typ prflx"];
    private const int MaxFaults = 16;

    /// <param name="turn">Of what is being received: what goes to others because of it goes together.</param>
    public Task<Fault?> HandleAsync(Session session, ClientFrame frame, Turn turn) =>
        SignalingTraces.Of(frame) is { } span ? TracedAsync(span, session, frame, turn) : DoAsync(session, frame, turn);

    private async Task<Fault?> TracedAsync(Activity span, Session session, ClientFrame frame, Turn turn)
    {
        using (span)
        {
            var fault = await DoAsync(session, frame, turn);
            if (fault is not null)
                span.SetStatus(ActivityStatusCode.Error, fault.Reason);
            return fault;
        }
    }

    private Task<Fault?> DoAsync(Session session, ClientFrame frame, Turn turn) => frame.FrameCase switch
    {
        ClientFrame.FrameOneofCase.GoLive => GoLiveAsync(session, frame.RequestId, frame.GoLive),
        ClientFrame.FrameOneofCase.JoinStream => JoinAsync(session, frame.RequestId, frame.JoinStream),
        ClientFrame.FrameOneofCase.LeaveStream => LeaveAsync(session, frame.LeaveStream.StreamId),
        ClientFrame.FrameOneofCase.Signal => Task.FromResult(Route(session, frame.RequestId, frame.Signal, turn)),
        ClientFrame.FrameOneofCase.MetricsReport => Task.FromResult(Report(session, frame.MetricsReport)),
        ClientFrame.FrameOneofCase.ChunkDigests => Task.FromResult(Announce(session, frame.ChunkDigests)),
        ClientFrame.FrameOneofCase.EndStream => EndAsync(session, frame.EndStream),
        ClientFrame.FrameOneofCase.DeclineRaid => DeclineAsync(session, frame.DeclineRaid),
        ClientFrame.FrameOneofCase.Refresh => RefreshAsync(session, frame.Refresh),
        _ => Task.FromResult<Fault?>(SignalingErrors.UnknownFrame),
    };

    private async Task<Fault?> GoLiveAsync(Session session, ulong requestId, GoLive frame)
    {
        if (!session.Joins.TryTake())
            return SignalingErrors.RateLimited;
        if (!session.Caller.Has(Scopes.Broadcaster))
            return CommonErrors.MissingScope;
        if (frame.Title.Trim().Length is 0 or > 120 || frame.BitrateKbps is < 32 or > 50_000 || frame.MaxChildren > 4 || !IsUplink(frame.UplinkMbps))
            return SignalingErrors.InvalidFrame;
        var signingKey = frame.SigningKeyJwk.Length > 0 ? SigningKey.Parse(frame.SigningKeyJwk) : null;
        if (signingKey is null && frame.SigningKeyJwk.Length > 0)
            return SignalingErrors.InvalidFrame;
        var (streamId, peerId, fault) = Identify(session, frame.ResumeTicket, isRoot: true, streamId: null);
        if (fault is not null)
            return fault;

        var seat = new Seat(session, streamId, peerId, isRoot: true) { TicketKey = frame.TicketMac ? tickets.KeyOf(streamId, peerId) : null };
        var request = new StartStreamRequest
        {
            StreamId = streamId,
            Root = Identity(seat),
            Channel = session.Caller.Channel,
            Title = frame.Title.Trim(),
            BitrateKbps = frame.BitrateKbps,
            UplinkMbps = frame.UplinkMbps,
            MaxChildren = frame.MaxChildren,
            Resume = frame.ResumeTicket.Length > 0,
        };
        seat.Rejoin = token => topology.StartStreamAsync(new StartStreamRequest(request) { Resume = true }, cancellationToken: token).ResponseAsync;
        return await TakeAsync(seat, requestId, async () =>
        {
            var started = await topology.StartStreamAsync(request);
            return new ServerFrame
            {
                StreamLive = new StreamLive
                {
                    StreamId = streamId,
                    PeerId = peerId,
                    Channel = started.Stream.Channel,
                    Stripes = started.Stream.Stripes,
                    ResumeTicket = tickets.Resume(new ResumeTicket(session.Caller.AccountId, streamId, peerId, IsRoot: true)),
                    TicketKey = KeyOf(seat),
                    KeyCertificate = signingKey is null ? "" : tickets.StreamKey(streamId, signingKey),
                },
            };
        });
    }

    private async Task<Fault?> JoinAsync(Session session, ulong requestId, JoinStream frame)
    {
        if (!session.Joins.TryTake())
            return SignalingErrors.RateLimited;
        if (!session.Caller.Has(Scopes.Viewer))
            return CommonErrors.MissingScope;
        if (frame.RelayOnly && options.Value.TurnUrls.Count == 0)
            return SignalingErrors.NoRelay;
        if (frame.StreamId.Length is 0 or > 64 || frame.LatencyMs > 60_000 || !IsUplink(frame.UplinkMbps))
            return SignalingErrors.InvalidFrame;
        var (streamId, peerId, fault) = Identify(session, frame.ResumeTicket, isRoot: false, frame.StreamId);
        if (fault is not null)
            return fault;

        var seat = new Seat(session, streamId, peerId, isRoot: false)
        {
            TicketKey = frame.TicketMac ? tickets.KeyOf(streamId, peerId) : null,
            IsRelayOnly = frame.RelayOnly,
            JoinedAt = clock.GetTimestamp(),
        };
        var request = new PeerJoin
        {
            StreamId = streamId,
            Peer = Identity(seat),
            UplinkMbps = frame.UplinkMbps,
            LatencyMs = frame.LatencyMs,
            RelayOnly = frame.RelayOnly,
        };
        seat.Rejoin = _ => calls.JoinAsync(request);
        return await TakeAsync(seat, requestId, async () =>
        {
            var stream = await calls.JoinAsync(SignalingTraces.Current is { } trace ? new PeerJoin(request) { Traceparent = trace } : request);
            return new ServerFrame
            {
                StreamJoined = new StreamJoined
                {
                    StreamId = streamId,
                    PeerId = peerId,
                    Channel = stream.Channel,
                    Title = stream.Title,
                    BitrateKbps = stream.BitrateKbps,
                    ResumeTicket = tickets.Resume(new ResumeTicket(session.Caller.AccountId, streamId, peerId, IsRoot: false)),
                    TicketKey = KeyOf(seat),
                },
            };
        });
    }

    /// <summary>The stream and peer ids: new ones, or those of a resume ticket that is this account's.</summary>
    private (string StreamId, string PeerId, Fault? Fault) Identify(Session session, string resumeTicket, bool isRoot, string? streamId)
    {
        if (session.Seats.Count >= options.Value.MaxStreamsPerSession)
            return ("", "", SignalingErrors.TooManyStreams);
        if (streamId is not null && session.Seats.ContainsKey(streamId))
            return ("", "", SignalingErrors.AlreadyInStream);
        if (resumeTicket.Length == 0)
            return (streamId ?? NewId(), PlacedAs(session, streamId) ?? NewId(), null);
        var ticket = tickets.ReadResume(resumeTicket);
        if (ticket is null || ticket.AccountId != session.Caller.AccountId || ticket.IsRoot != isRoot || (streamId is not null && ticket.StreamId != streamId))
            return ("", "", SignalingErrors.InvalidResumeTicket);
        return session.Seats.ContainsKey(ticket.StreamId)
            ? ("", "", SignalingErrors.AlreadyInStream)
            : (ticket.StreamId, ticket.PeerId, null);
    }

    /// <summary>The id of which Topology knows already, because a raid has a place for the viewer.</summary>
    private static string? PlacedAs(Session session, string? streamId) =>
        streamId is not null && session.HasPlaces ? session.Places.In(streamId)?.PeerId : null;

    /// <summary>
    /// Takes the seat before Topology is asked, because its first directives may arrive before its answer, and gives it up
    /// when the answer is no.
    /// </summary>
    private async Task<Fault?> TakeAsync(Seat seat, ulong requestId, Func<Task<ServerFrame>> ask)
    {
        edge.Take(seat);
        ServerFrame answer;
        try
        {
            answer = await ask();
        }
        catch (RpcException)
        {
            edge.Leave(seat);
            throw;
        }

        answer.RequestId = requestId;
        answer.Traceparent = SignalingTraces.Current ?? "";
        using var turn = new Turn();
        turn.Send(seat.Session, answer);
        foreach (var directive in seat.Confirm())
            directives.Tell(turn, seat, directive);
        raidNotices.Remind(turn, seat);
        return null;
    }

    private async Task<Fault?> LeaveAsync(Session session, string streamId)
    {
        if (!session.Seats.TryGetValue(streamId, out var seat))
            return SignalingErrors.NotInStream;
        await departures.LeaveAsync(seat);
        return null;
    }

    private Fault? Route(Session session, ulong requestId, Signal signal, Turn turn)
    {
        if (!session.Signals.TryTake())
            return SignalingErrors.RateLimited;
        if (!session.Seats.TryGetValue(signal.StreamId, out var seat))
            return SignalingErrors.NotInStream;
        var (size, limit) = signal.PayloadCase switch
        {
            Signal.PayloadOneofCase.Offer => (Encoding.UTF8.GetByteCount(signal.Offer), options.Value.MaxSdpBytes),
            Signal.PayloadOneofCase.Answer => (Encoding.UTF8.GetByteCount(signal.Answer), options.Value.MaxSdpBytes),
            Signal.PayloadOneofCase.Candidate => (Encoding.UTF8.GetByteCount(signal.Candidate), options.Value.MaxCandidateBytes),
            _ => (0, -1),
        };
        if (size > limit || signal.Ticket.Length > 2_048)
            return SignalingErrors.InvalidFrame;
        if (seat.IsRelayOnly && LeaksAddress(signal))
            return SignalingErrors.AddressLeak;
        if (seat.EdgeOf((int)signal.Stripe, signal.PeerId) is not { } edgeId)
            return SignalingErrors.NotANeighbour;

        var to = signal.PeerId;
        // The sender's id comes from its seat, whatever the frame says.
        signal.PeerId = seat.PeerId;
        return router.Route(turn, session, requestId, edgeId, to, signal);
    }

    private Fault? Report(Session session, MetricsReport report)
    {
        if (!session.Reports.TryTake())
            return SignalingErrors.RateLimited;
        if (!session.Seats.TryGetValue(report.StreamId, out var seat))
            return SignalingErrors.NotInStream;
        if (report.Receipts.Count > MaxEdgesPerReport || report.Claims.Count > MaxEdgesPerReport || report.Faults.Count > MaxFaults
            || !double.IsFinite(report.LatencyMs) || report.LatencyMs is < 0 or > 600_000 || !IsUplink(report.UploadMbps) || !IsUplink(report.UplinkMbps)
            || report.Answer is { Hmac.Length: not DigestBytes })
            return SignalingErrors.InvalidFrame;

        var mapped = new PeerReport
        {
            StreamId = seat.StreamId,
            PeerId = seat.PeerId,
            LatencyMs = report.LatencyMs,
            UploadMbps = report.UploadMbps,
            UplinkMbps = report.UplinkMbps,
            BufferMs = report.BufferMs,
        };
        foreach (var receipt in report.Receipts)
            mapped.Receipts.Add(new PeerReceipt { ParentPeerId = receipt.ParentPeerId, Stripe = receipt.Stripe, Bytes = receipt.Bytes, Chunks = receipt.Chunks });
        foreach (var claim in report.Claims)
            mapped.Claims.Add(new PeerClaim { ChildPeerId = claim.ChildPeerId, Stripe = claim.Stripe, Bytes = claim.Bytes });
        if (report.Answer is { } answer)
            (mapped.AnswerWindow, mapped.AnswerHmac) = (answer.Window, answer.Hmac);
        mapped.Told.AddRange(seat.Told());
        foreach (var fault in report.Faults)
        {
            metrics.ParentFaulted(fault.Kind);
            mapped.Faults.Add(new PeerFault { ParentPeerId = fault.ParentPeerId, Stripe = fault.Stripe, Kind = (uint)fault.Kind });
        }

        reports.Add(mapped);
        return null;
    }

    private Fault? Announce(Session session, ChunkDigests frame)
    {
        if (!session.Seats.TryGetValue(frame.StreamId, out var seat))
            return SignalingErrors.NotInStream;
        if (!seat.IsRoot)
            return SignalingErrors.NotTheBroadcaster;
        if (frame.Digests.Count is 0 or > MaxDigests || frame.Digests.Any(digest => digest.Digest.Length != DigestBytes))
            return SignalingErrors.InvalidFrame;
        foreach (var digest in frame.Digests)
        {
            reports.Add(new RootDigest
            {
                StreamId = seat.StreamId,
                PeerId = seat.PeerId,
                Stripe = digest.Stripe,
                Sequence = digest.Sequence,
                Digest = digest.Digest,
            });
        }

        return null;
    }

    private async Task<Fault?> EndAsync(Session session, EndStream frame)
    {
        // Called as the user: Raids checks the owner by the same rule as for REST.
        await raids.EndStreamAsync(
            new Contracts.Raids.V1.EndStreamRequest { StreamId = frame.StreamId, RaidTarget = frame.RaidTarget },
            new Metadata { { "authorization", $"Bearer {Encoding.ASCII.GetString(session.Credentials.AccessToken)}" } });
        return null;
    }

    private async Task<Fault?> DeclineAsync(Session session, DeclineRaid frame) =>
        session.Signals.TryTake() ? await raidNotices.DeclineAsync(session, frame) : SignalingErrors.RateLimited;

    private async Task<Fault?> RefreshAsync(Session session, Refresh frame)
    {
        if (await accessTokens.ValidateAsync(frame.AccessToken) is not { } fresh)
            return CommonErrors.InvalidToken;
        if (fresh.Caller.AccountId != session.Caller.AccountId)
            return SignalingErrors.WrongAccount;
        session.Renew(fresh);
        return null;
    }

    /// <summary>A candidate of another kind than that of a TURN server, alone or within a description.</summary>
    private static bool LeaksAddress(Signal signal)
    {
        var text = signal.PayloadCase switch
        {
            Signal.PayloadOneofCase.Offer => signal.Offer,
            Signal.PayloadOneofCase.Answer => signal.Answer,
            _ => signal.Candidate,
        };
        return AddressTypes.Any(type => text.Contains(type, StringComparison.OrdinalIgnoreCase));
    }

    private static ByteString KeyOf(Seat seat) => seat.TicketKey is { } key ? ByteString.CopyFrom(key) : ByteString.Empty;

    private PeerIdentity Identity(Seat seat) => new()
    {
        PeerId = seat.PeerId,
        AccountId = seat.Session.Caller.AccountId,
        EdgeId = edge.Id,
        AddressBlock = seat.Session.AddressBlock,
        Region = options.Value.Region,
        TicketMac = seat.TicketKey is not null,
    };

    private string NewId() => Guid.CreateVersion7(clock.GetUtcNow()).ToString();

    private static bool IsUplink(double mbps) => double.IsFinite(mbps) && mbps is >= 0 and <= 10_000;
}
