using System.Net;
using Beacon.Contracts.Ledger.V1;
using Beacon.Contracts.Raids.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.ServiceDefaults;
using Beacon.Testing;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Net.Client.Web;
using Grpc.Reflection.V1;

namespace Beacon.Scenarios;

/// <summary>The gRPC side of the public origin: over HTTP/2, and as browsers speak it.</summary>
public sealed class GrpcScenarios(ComposedFixture fixture) : IClassFixture<ComposedFixture>
{
    private static readonly string Nowhere = Guid.Empty.ToString();

    [Fact]
    public async Task Reflection_lists_every_service_of_the_contracts()
    {
        using var channel = GrpcChannel.ForAddress(fixture.Server.Grpc);
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo(cancellationToken: TestContext.Current.CancellationToken);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, TestContext.Current.CancellationToken);
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        var listed = call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name).ToHashSet(StringComparer.Ordinal);

        var ours = Contracts.DescriptorSet.Load().File.Where(file => file.Package.StartsWith("beacon.", StringComparison.Ordinal))
            .SelectMany(file => file.Service.Select(service => $"{file.Package}.{service.Name}"));
        Assert.Empty(ours.Except(listed, StringComparer.Ordinal));
    }

    [Fact]
    public async Task Health_answers_balancers()
    {
        using var channel = GrpcChannel.ForAddress(fixture.Server.Grpc);
        var health = await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Theory]
    [InlineData(GrpcWebMode.GrpcWeb)]
    [InlineData(GrpcWebMode.GrpcWebText)]
    public async Task Browsers_get_answers_streams_and_reasons(GrpcWebMode mode)
    {
        using var channel = GrpcChannel.ForAddress(fixture.Server.Http, new GrpcChannelOptions
        {
            HttpHandler = new GrpcWebHandler(mode, new HttpClientHandler()),
            HttpVersion = HttpVersion.Version11,
        });
        var guest = await fixture.Rest.GuestAsync("Ada");

        var wallet = await new LedgerService.LedgerServiceClient(channel).GetWalletAsync(
            new GetWalletRequest(), new Metadata { { "authorization", $"Bearer {guest.AccessToken}" } }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(guest.AccountId, wallet.AccountId);

        await using var root = await SyntheticPeer.BroadcastAsync(fixture.Server, guest);
        using var watch = new TopologyService.TopologyServiceClient(channel).WatchTree(new WatchTreeRequest { StreamId = root.StreamId }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(root.PeerId, Assert.Single(watch.ResponseStream.Current.Snapshot.Peers).PeerId);

        var unknown = await Assert.ThrowsAsync<RpcException>(() => new RaidsService.RaidsServiceClient(channel).GetRaidAsync(new GetRaidRequest { RaidId = Nowhere }).ResponseAsync);
        Assert.Equal(("unknown_raid", StatusCode.NotFound), (Fault.ReasonOf(unknown), unknown.StatusCode));
        var nobody = await Assert.ThrowsAsync<RpcException>(() => new LedgerService.LedgerServiceClient(channel).GetWalletAsync(new GetWalletRequest()).ResponseAsync);
        Assert.Equal(("missing_token", StatusCode.Unauthenticated), (Fault.ReasonOf(nobody), nobody.StatusCode));
    }
}
