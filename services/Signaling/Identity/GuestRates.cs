using Beacon.Signaling.Sessions;
using Microsoft.Extensions.Options;

namespace Beacon.Signaling.Identity;

/// <summary>How many guest accounts an address may make.</summary>
internal sealed class GuestRates(IOptions<SignalingOptions> options, TimeProvider clock)
{
    public AddressRates Rates { get; } = new(
        options.Value.GuestsPerSecondPerAddress, options.Value.GuestBurstPerAddress, options.Value.MaxTrackedAddresses, clock);
}
