namespace Beacon.Contracts.Tests;

public sealed class BaselineTests
{
    [Fact]
    public void The_contracts_break_nobody_who_was_built_against_the_baseline()
    {
        var current = Baseline.Current();
        if (Environment.GetEnvironmentVariable(Baseline.AcceptVariable) is "first" && !File.Exists(Baseline.File))
            Baseline.Write(current);
        Offences.None(ContractComparer.Breaks(Baseline.Read(), current));
        // Only what breaks nobody comes this far, so that a break can never be accepted by mistake.
        if (Environment.GetEnvironmentVariable(Baseline.AcceptVariable) is "1")
            Baseline.Write(current);
    }

    [Fact]
    public void Additions_are_accepted_into_the_baseline() => Assert.True(
        Baseline.Read().Equals(Baseline.Current()),
        "The contracts have grown since contracts/beacon.binpb was written. Run contracts/accept.sh and commit the file, so that what is new is guarded too.");
}
