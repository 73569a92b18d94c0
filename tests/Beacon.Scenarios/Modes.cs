namespace Beacon.Scenarios;

/// <summary>Every class of scenarios in both modes: all in Beacon.Server, and all in the four services.</summary>
public sealed class ModeTests
{
    [Fact]
    public void Every_scenario_runs_in_both_modes()
    {
        var types = typeof(Scenario).Assembly.GetTypes();
        foreach (var scenarios in types.Where(type => type.BaseType == typeof(Scenario)))
        {
            var modes = types.Where(type => type.BaseType == scenarios).ToList();
            Assert.Single(modes, type => type.IsAssignableTo(typeof(IClassFixture<ComposedFixture>)));
            Assert.Single(modes, type => type.IsDefined(typeof(CollectionAttribute), inherit: false));
            Assert.Equal(2, modes.Count);
        }
    }
}

public sealed class ComposedAccountScenarios(ComposedFixture beacon) : AccountScenarios(beacon), IClassFixture<ComposedFixture>;

[Collection(nameof(DistributedFixture))]
public sealed class DistributedAccountScenarios(DistributedFixture beacon) : AccountScenarios(beacon);

public sealed class ComposedBadInputScenarios(ComposedFixture beacon) : BadInputScenarios(beacon), IClassFixture<ComposedFixture>;

[Collection(nameof(DistributedFixture))]
public sealed class DistributedBadInputScenarios(DistributedFixture beacon) : BadInputScenarios(beacon);

public sealed class ComposedChannelScenarios(ComposedFixture beacon) : ChannelScenarios(beacon), IClassFixture<ComposedFixture>;

[Collection(nameof(DistributedFixture))]
public sealed class DistributedChannelScenarios(DistributedFixture beacon) : ChannelScenarios(beacon);

public sealed class ComposedCreditScenarios(ComposedFixture beacon) : CreditScenarios(beacon), IClassFixture<ComposedFixture>;

[Collection(nameof(DistributedFixture))]
public sealed class DistributedCreditScenarios(DistributedFixture beacon) : CreditScenarios(beacon);

public sealed class ComposedHostScenarios(ComposedFixture beacon) : HostScenarios(beacon), IClassFixture<ComposedFixture>;

[Collection(nameof(DistributedFixture))]
public sealed class DistributedHostScenarios(DistributedFixture beacon) : HostScenarios(beacon);

public sealed class ComposedRaidScenarios(ComposedFixture beacon) : RaidScenarios(beacon), IClassFixture<ComposedFixture>;

[Collection(nameof(DistributedFixture))]
public sealed class DistributedRaidScenarios(DistributedFixture beacon) : RaidScenarios(beacon);

public sealed class ComposedRestartScenarios(ComposedFixture beacon) : RestartScenarios(beacon), IClassFixture<ComposedFixture>;

[Collection(nameof(DistributedFixture))]
public sealed class DistributedRestartScenarios(DistributedFixture beacon) : RestartScenarios(beacon);

public sealed class ComposedSecurityScenarios(ComposedFixture beacon) : SecurityScenarios(beacon), IClassFixture<ComposedFixture>;

[Collection(nameof(DistributedFixture))]
public sealed class DistributedSecurityScenarios(DistributedFixture beacon) : SecurityScenarios(beacon);

public sealed class ComposedTraceScenarios(ComposedFixture beacon) : TraceScenarios(beacon), IClassFixture<ComposedFixture>;

[Collection(nameof(DistributedFixture))]
public sealed class DistributedTraceScenarios(DistributedFixture beacon) : TraceScenarios(beacon);

public sealed class ComposedTreeScenarios(ComposedFixture beacon) : TreeScenarios(beacon), IClassFixture<ComposedFixture>;

[Collection(nameof(DistributedFixture))]
public sealed class DistributedTreeScenarios(DistributedFixture beacon) : TreeScenarios(beacon);
