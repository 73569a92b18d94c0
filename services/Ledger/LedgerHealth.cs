using Beacon.Ledger.Journal;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Beacon.Ledger;

/// <summary>Healthy while the writer takes requests, its last commit succeeded, the journal proves itself, and the balances add up to zero.</summary>
internal sealed class LedgerHealth(LedgerWriter writer, LedgerMetrics metrics, ProofCheck proof) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (writer.Trouble is { } trouble)
            return Task.FromResult(HealthCheckResult.Unhealthy($"The last commit failed: {trouble}"));
        if (proof.Trouble is { } problem)
            return Task.FromResult(HealthCheckResult.Unhealthy($"The journal does not prove itself: {problem}"));
        return Task.FromResult(metrics.BalanceSum == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy($"The sum over all balances is {metrics.BalanceSum} instead of zero."));
    }
}
