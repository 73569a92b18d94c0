using System.Globalization;
using Beacon.Testing;

namespace Beacon.Deploy.Tests;

/// <summary>There is one Ledger to a file, whatever an orchestrator starts.</summary>
public sealed class LedgerGuardTests
{
    [Fact]
    public async Task A_second_Ledger_on_the_same_file_says_why_and_ends_and_the_first_goes_on()
    {
        var data = Directory.CreateTempSubdirectory("beacon-test-");
        try
        {
            await using var first = Ledger(data.FullName);
            await first.WaitForOutputAsync("The ledger writes to", TimeSpan.FromSeconds(60));

            await using var second = Ledger(data.FullName);
            Assert.NotEqual(0, await second.WaitForExitAsync(TimeSpan.FromSeconds(90)));
            Assert.Contains("cannot be locked", second.Output, StringComparison.Ordinal);
            Assert.Contains("A ledger has one writer.", second.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("The ledger writes to", second.Output, StringComparison.Ordinal);

            Assert.Equal(0, await first.StopAsync());
            await using var next = Ledger(data.FullName);
            await next.WaitForOutputAsync("The ledger writes to", TimeSpan.FromSeconds(60));
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    private static DotnetProcess Ledger(string data)
    {
        var ports = Ports.Free(2);
        return new DotnetProcess(Testing.Repository.AssemblyOf("services/Ledger", "Beacon.Ledger"), data, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Beacon__DataDirectory"] = data,
            ["Beacon__Endpoints__HttpPort"] = ports[0].ToString(CultureInfo.InvariantCulture),
            ["Beacon__Endpoints__GrpcPort"] = ports[1].ToString(CultureInfo.InvariantCulture),
            // Nobody listens there: the books do not need a broker to be opened.
            ["ConnectionStrings__bus"] = "amqp://guest:guest@127.0.0.1:1",
            ["Logging__LogLevel__MassTransit"] = "None",
        });
    }
}
