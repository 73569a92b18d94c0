using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Beacon.Contracts.Ledger.V1;
using Beacon.Contracts.Raids.V1;
using Beacon.Contracts.Topology.V1;
using Beacon.Testing;
using Grpc.Core;
using Grpc.Net.Client;

namespace Beacon.Scenarios;

/// <summary>What a host must do whatever it hosts.</summary>
public abstract class HostScenarios(BeaconFixture beacon) : Scenario(beacon)
{
    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    [InlineData("/metrics")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/scalar")]
    [InlineData("/.well-known/jwks.json")]
    [InlineData("/")]
    public async Task The_addresses_of_the_readme_answer(string path) =>
        Assert.Equal(200, (await Rest.GetAsync(path)).Status);

    [Fact]
    public async Task The_calls_of_all_services_are_answered_at_the_one_public_endpoint()
    {
        using var channel = GrpcChannel.ForAddress(Server.Grpc);
        var guest = await Rest.GuestAsync("Caller");
        var token = new Metadata { { "authorization", $"Bearer {guest.AccessToken}" } };

        var wallet = await new LedgerService.LedgerServiceClient(channel).GetWalletAsync(new GetWalletRequest(), token);
        var streams = await new RaidsService.RaidsServiceClient(channel).ListStreamsAsync(new ListStreamsRequest(), token);
        var unknown = await Assert.ThrowsAsync<RpcException>(() =>
            new TopologyService.TopologyServiceClient(channel).GetStreamAsync(new GetStreamRequest { StreamId = Guid.NewGuid().ToString() }, token).ResponseAsync);

        Assert.Equal(0, wallet.BalanceMicrocredits);
        Assert.NotNull(streams);
        Assert.Equal((StatusCode.NotFound, "unknown_stream"), (unknown.StatusCode, ServiceDefaults.Fault.ReasonOf(unknown)));
    }

    /// <summary>As browsers do it: gRPC-Web over HTTP/1.1, an empty message in a frame of its own.</summary>
    [Fact]
    public async Task Browsers_call_all_services_by_grpc_web()
    {
        using var http = new HttpClient { BaseAddress = Server.Http };
        foreach (var call in new[] { "/beacon.raids.v1.RaidsService/ListStreams", "/beacon.ledger.v1.LedgerService/GetWallet" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, call) { Content = new ByteArrayContent(new byte[5]) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc-web+proto");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", (await Rest.GuestAsync("Caller")).AccessToken);
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            var body = Encoding.ASCII.GetString(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
            Assert.Equal((call, HttpStatusCode.OK), (call, response.StatusCode));
            Assert.Contains("grpc-status: 0", body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Ice_servers_are_given_to_accounts()
    {
        Assert.Equal(200, (await Rest.GetAsync("/api/ice-servers", await Rest.GuestAsync("Icy"))).Status);
        Assert.Equal("missing_token", (await Rest.GetAsync("/api/ice-servers")).Reason);
    }
}

/// <summary>What a host is in no mode.</summary>
public sealed class LonelyServiceScenarios
{
    [Fact]
    public async Task Keys_are_readable_by_their_owner_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no file modes.");
            return;
        }

        await using var server = new BeaconServer();
        await server.StartAsync();
        foreach (var key in new[] { "issuer.p8", "service.key" })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(server.DataDirectory, key)));
    }

    [Fact]
    public async Task A_service_alone_without_a_broker_refuses_to_start_and_says_why()
    {
        var data = Directory.CreateTempSubdirectory("beacon-test-");
        try
        {
            await using var topology = new DotnetProcess(
                Repository.AssemblyOf("services/Topology", "Beacon.Topology"),
                data.FullName,
                new Dictionary<string, string>(StringComparer.Ordinal) { ["Beacon__Auth__Authority"] = "http://127.0.0.1:9" });

            Assert.NotEqual(0, await topology.WaitForExitAsync(TimeSpan.FromSeconds(30)));
            Assert.Contains("This process hosts only topology, and no broker is configured. Set ConnectionStrings:bus", topology.Output, StringComparison.Ordinal);
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }
}
