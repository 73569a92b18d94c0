using System.Collections.Concurrent;
using System.Net;
using Beacon.Contracts.Ledger.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Beacon.Raids.Tests;

/// <summary>Topology as Raids sees it, over a real port: live streams in a dictionary, and what was asked of it.</summary>
internal sealed class FakeTopology : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeTopology(WebApplication app) => _app = app;

    public ConcurrentDictionary<string, LiveStream> Live { get; } = new(StringComparer.Ordinal);

    /// <summary>The trees of streams, the root first; without one here a stream has its root alone.</summary>
    public ConcurrentDictionary<string, IReadOnlyList<TreePeer>> Trees { get; } = new(StringComparer.Ordinal);

    /// <summary>The Ledger's part: the accounts of each stream's squad.</summary>
    public ConcurrentDictionary<string, IReadOnlyList<string>> Squads { get; } = new(StringComparer.Ordinal);

    public ConcurrentQueue<EndStreamRequest> Ended { get; } = new();

    public ConcurrentQueue<PlaceAudienceRequest> Placed { get; } = new();

    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>How many of the next calls fail as if nobody listened.</summary>
    public int Failures;

    public bool RefusePlaces { get; set; }

    public int PlacesRefused;

    public TaskCompletionSource? HoldEnd { get; set; }

    public TaskCompletionSource EndArrived { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Address => _app.Urls.Single();

    public static async Task<FakeTopology> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        FakeTopology? topology = null;
        builder.Services.AddSingleton(_ => topology!);
        var app = builder.Build();
        app.MapGrpcService<Streams>();
        app.MapGrpcService<Edge>();
        app.MapGrpcService<Ledger>();
        topology = new FakeTopology(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return topology;
    }

    public LiveStream Add(string id, int viewers = 0, int spare = 2, string? channel = null)
    {
        var stream = new LiveStream
        {
            StreamId = id,
            Channel = channel ?? $"channel-{id}",
            Title = $"Title of {id}",
            BroadcasterAccountId = $"account-{id}",
            StartedAt = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero)),
            Viewers = (uint)viewers,
            SpareSlots = (uint)spare,
            BroadcasterConnected = true,
            Stripes = 1,
            BitrateKbps = 2_500,
        };
        return Live[id] = stream;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private void FailIfAsked()
    {
        if (Interlocked.Decrement(ref Failures) >= 0)
            throw new RpcException(new Status(StatusCode.Unavailable, "not yet"));
    }

    internal sealed class Streams(FakeTopology topology) : TopologyService.TopologyServiceBase
    {
        public override Task<GetStreamResponse> GetStream(GetStreamRequest request, ServerCallContext context)
        {
            topology.FailIfAsked();
            topology.Asked.Enqueue(request.StreamId);
            return topology.Live.TryGetValue(request.StreamId, out var stream)
                ? Task.FromResult(new GetStreamResponse { Stream = stream })
                : throw CommonErrors.UnknownStream.Exception();
        }

        public override Task<GetTreeResponse> GetTree(GetTreeRequest request, ServerCallContext context)
        {
            topology.FailIfAsked();
            if (!topology.Live.ContainsKey(request.StreamId))
                throw CommonErrors.UnknownStream.Exception();
            var offset = request.PageToken.Length == 0 ? 0 : int.Parse(request.PageToken, System.Globalization.CultureInfo.InvariantCulture);
            var peers = topology.Trees.GetValueOrDefault(request.StreamId) ?? [new TreePeer { PeerId = $"root-{request.StreamId}" }];
            var page = peers.Skip(offset).Take((int)request.PageSize).ToList();
            var next = offset + page.Count;
            return Task.FromResult(new GetTreeResponse
            {
                StreamId = request.StreamId,
                Peers = { page },
                NextPageToken = next < peers.Count ? next.ToString(System.Globalization.CultureInfo.InvariantCulture) : "",
            });
        }
    }

    internal sealed class Ledger(FakeTopology topology) : LedgerService.LedgerServiceBase
    {
        public override Task<GetSquadResponse> GetSquad(GetSquadRequest request, ServerCallContext context) => topology.Squads.TryGetValue(request.StreamId, out var accounts)
            ? Task.FromResult(new GetSquadResponse { Members = { accounts.Select(account => new SquadMember { AccountId = account }) } })
            : throw CommonErrors.UnknownStream.Exception();
    }

    internal sealed class Edge(FakeTopology topology) : TopologyEdgeService.TopologyEdgeServiceBase
    {
        public override Task<ListLiveStreamsResponse> ListLiveStreams(ListLiveStreamsRequest request, ServerCallContext context)
        {
            topology.FailIfAsked();
            RequireServiceToken(context);
            return Task.FromResult(new ListLiveStreamsResponse { Streams = { topology.Live.Values } });
        }

        public override async Task<EndStreamResponse> EndStream(EndStreamRequest request, ServerCallContext context)
        {
            RequireServiceToken(context);
            topology.Ended.Enqueue(request);
            topology.EndArrived.TrySetResult();
            if (topology.HoldEnd is { } hold)
                await hold.Task.WaitAsync(context.CancellationToken);
            return topology.Live.TryRemove(request.StreamId, out _) ? new EndStreamResponse() : throw CommonErrors.UnknownStream.Exception();
        }

        public override Task<PlaceAudienceResponse> PlaceAudience(PlaceAudienceRequest request, ServerCallContext context)
        {
            RequireServiceToken(context);
            topology.FailIfAsked();
            if (!topology.Live.ContainsKey(request.TargetStreamId))
                throw CommonErrors.UnknownStream.Exception();
            if (topology.RefusePlaces)
            {
                Interlocked.Increment(ref topology.PlacesRefused);
                throw CommonErrors.ServiceUnavailable.Exception();
            }

            topology.Placed.Enqueue(request);
            return Task.FromResult(new PlaceAudienceResponse { Placed = (uint)request.PeerIds.Count });
        }

        public override Task<HandoverResponse> Handover(HandoverRequest request, ServerCallContext context)
        {
            RequireServiceToken(context);
            var stream = topology.Live[request.StreamId];
            stream.BroadcasterAccountId = request.AccountId;
            return Task.FromResult(new HandoverResponse { Stream = stream });
        }

        private static void RequireServiceToken(ServerCallContext context)
        {
            if (context.RequestHeaders.GetValue("authorization") is not { } value || !value.StartsWith("Bearer ", StringComparison.Ordinal))
                throw CommonErrors.MissingToken.Exception();
        }
    }
}
