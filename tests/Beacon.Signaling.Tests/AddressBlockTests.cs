using System.Net;
using Beacon.Signaling.Sessions;

namespace Beacon.Signaling.Tests;

public sealed class AddressBlockTests
{
    [Theory]
    [InlineData("203.0.113.77", "203.0.113.0/24")]
    [InlineData("::ffff:203.0.113.77", "203.0.113.0/24")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48")]
    public void The_block_is_what_one_household_shares(string address, string block) =>
        Assert.Equal(block, AddressBlock.Of(IPAddress.Parse(address)));

    [Fact]
    public void No_address_is_no_block() => Assert.Equal("", AddressBlock.Of(null));
}
