using System.Net;
using Beacon.Signaling.Sessions;
using Microsoft.Extensions.Time.Testing;

namespace Beacon.Signaling.Tests;

public sealed class AddressRatesTests
{
    private static readonly IPAddress Somebody = IPAddress.Parse("203.0.113.7");
    private readonly FakeTimeProvider _clock = new();

    private AddressRates Rates(int maxAddresses = 100) => new(perSecond: 10, burst: 3, maxAddresses, _clock);

    private static int Taken(AddressRates rates, IPAddress? address) => Enumerable.Range(0, 10).Count(_ => rates.TryTake(address));

    [Fact]
    public void An_address_has_its_burst_and_another_its_own()
    {
        var rates = Rates();

        Assert.Equal(3, Taken(rates, Somebody));
        Assert.Equal(3, Taken(rates, IPAddress.Parse("203.0.113.8")));
        Assert.Equal(3, Taken(rates, null));
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(1, Taken(rates, Somebody));
    }

    [Fact]
    public void An_ipv4_address_is_the_same_in_both_forms_and_an_ipv6_client_has_its_whole_network()
    {
        var rates = Rates();

        Assert.Equal(3, Taken(rates, Somebody));
        Assert.Equal(0, Taken(rates, Somebody.MapToIPv6()));
        Assert.Equal(3, Taken(rates, IPAddress.Parse("2001:db8:1:2::1")));
        Assert.Equal(0, Taken(rates, IPAddress.Parse("2001:db8:1:2:ffff::9")));
        Assert.Equal(3, Taken(rates, IPAddress.Parse("2001:db8:1:3::1")));
    }

    [Fact]
    public void With_too_many_addresses_the_new_ones_share_one_count()
    {
        var rates = Rates(maxAddresses: 2);
        Assert.Equal(3, Taken(rates, IPAddress.Parse("198.51.100.1")));
        Assert.Equal(3, Taken(rates, IPAddress.Parse("198.51.100.2")));

        Assert.Equal(3, Taken(rates, IPAddress.Parse("198.51.100.3")));
        Assert.Equal(0, Taken(rates, IPAddress.Parse("198.51.100.4")));
        Assert.Equal(2, rates.Count);
    }

    [Fact]
    public void A_sweep_forgets_who_has_the_whole_burst_again_and_nobody_else()
    {
        var rates = Rates();
        Taken(rates, Somebody);
        rates.Sweep();
        Assert.Equal(1, rates.Count);

        _clock.Advance(TimeSpan.FromMilliseconds(300));
        rates.Sweep();
        Assert.Equal(0, rates.Count);
    }
}
