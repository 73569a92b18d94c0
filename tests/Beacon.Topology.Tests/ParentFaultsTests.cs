using Beacon.Topology.Mesh;

namespace Beacon.Topology.Tests;

/// <summary>When children say that their parent broke the rules.</summary>
public sealed class ParentFaultsTests
{
    private static readonly TreeRules Rules = new() { BitrateKbps = 1_000, AccusationMs = 60_000, LeastAccusers = 3, AccusationsPerAccount = 2 };

    private readonly ParentFaults _faults = new(Rules);

    [Fact]
    public void So_many_accounts_condemn_a_parent_and_one_fewer_do_not()
    {
        Assert.True(Accuse("p", "a"));
        Assert.True(Accuse("p", "b"));
        Assert.False(_faults.IsCondemned("p", stripe: 0, children: []));
        Assert.True(Accuse("p", "c"));
        Assert.True(_faults.IsCondemned("p", stripe: 0, children: []));
        Assert.False(_faults.IsCondemned("p", stripe: 1, children: []));
        Assert.False(_faults.IsCondemned("other", stripe: 0, children: []));
    }

    [Fact]
    public void Children_that_say_nothing_speak_for_their_parent()
    {
        foreach (var child in new[] { "a", "b", "c" })
            Accuse("p", child);
        // Who has not found another parent yet has spoken all the same.
        Assert.True(_faults.IsCondemned("p", stripe: 0, ["a", "content1", "content2"]));
        Assert.False(_faults.IsCondemned("p", stripe: 0, ["content1", "content2", "content3"]));
    }

    [Fact]
    public void Peers_of_one_account_have_one_voice_and_a_child_that_repeats_itself_too()
    {
        for (var peer = 0; peer < 5; peer++)
            Assert.True(_faults.Accuse("p", 0, new Party($"peer{peer}", "one account", ""), nowMs: 0));
        Accuse("p", "a");
        Accuse("p", "a");
        Assert.False(_faults.IsCondemned("p", stripe: 0, children: []));
        Accuse("p", "b");
        Assert.True(_faults.IsCondemned("p", stripe: 0, children: []));
    }

    [Fact]
    public void Who_accuses_one_parent_after_the_other_is_not_heard_until_its_words_are_forgotten()
    {
        Assert.True(Accuse("first", "liar"));
        Assert.True(Accuse("second", "liar"));
        Assert.False(Accuse("third", "liar"));
        Assert.True(Accuse("second", "liar"));
        _faults.Forget(nowMs: 59_999);
        Assert.False(Accuse("third", "liar", nowMs: 59_999));
        _faults.Forget(nowMs: 60_000);
        Assert.True(Accuse("third", "liar", nowMs: 60_000));
        Assert.True(Accuse("third", "honest", nowMs: 60_000));
    }

    [Fact]
    public void Words_are_remembered_for_their_time()
    {
        foreach (var child in new[] { "a", "b", "c" })
            Accuse("p", child, nowMs: 1_000);
        _faults.Forget(nowMs: 60_999);
        Assert.True(_faults.IsCondemned("p", stripe: 0, children: []));
        _faults.Forget(nowMs: 61_000);
        Assert.False(_faults.IsCondemned("p", stripe: 0, children: []));
    }

    [Fact]
    public void With_no_accusation_allowed_nobody_is_heard() =>
        Assert.False(new ParentFaults(Rules with { AccusationsPerAccount = 0 }).Accuse("p", 0, new Party("a", "account-a", ""), nowMs: 0));

    private bool Accuse(string parent, string child, long nowMs = 0) => _faults.Accuse(parent, 0, new Party(child, $"account-{child}", ""), nowMs);
}
