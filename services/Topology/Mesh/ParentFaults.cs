using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

/// <summary>
/// What children say of parents that broke the rules: a bad chunk, a replay, chunks left out, silence on purpose. Only the child sees it,
/// and each may lie. So a word of one child costs its parent that child and no more; a parent is condemned when several accounts say so,
/// and more of them than it has children that say nothing. Who accuses one parent after the other is itself the likelier cause, and
/// would choose its parent so: it is not heard until its former words are forgotten.
/// </summary>
internal sealed class ParentFaults(TreeRules rules)
{
    private readonly Dictionary<(string ParentId, int Stripe), List<Accusation>> _against = [];

    /// <summary>The parents that an account accused, as often as a word of it is remembered.</summary>
    private readonly Dictionary<string, List<string>> _by = new(StringComparer.Ordinal);

    /// <summary>A child says that its parent broke the rules.</summary>
    /// <returns>False when it is not heard.</returns>
    public bool Accuse(string parentId, int stripe, Party child, long nowMs)
    {
        var accused = _by.GetValueOrDefault(child.AccountId) ?? [];
        if (!accused.Contains(parentId) && accused.Distinct(StringComparer.Ordinal).Count() >= rules.AccusationsPerAccount)
            return false;
        if (!_against.TryGetValue((parentId, stripe), out var accusations))
            _against[(parentId, stripe)] = accusations = [];
        if (accusations.Exists(accusation => accusation.ChildId == child.PeerId))
            return true;
        accusations.Add(new Accusation(child.PeerId, child.AccountId, nowMs + rules.AccusationMs));
        accused.Add(parentId);
        _by[child.AccountId] = accused;
        return true;
    }

    /// <param name="children">Those that it has now.</param>
    public bool IsCondemned(string parentId, int stripe, IEnumerable<string> children)
    {
        if (!_against.TryGetValue((parentId, stripe), out var accusations))
            return false;
        // Many peers of one account have one voice.
        var accounts = accusations.Select(accusation => accusation.AccountId).Distinct(StringComparer.Ordinal).Count();
        return accounts >= rules.LeastAccusers && accounts > children.Count(child => !accusations.Exists(accusation => accusation.ChildId == child));
    }

    /// <summary>Words that are too old count no more.</summary>
    public void Forget(long nowMs)
    {
        foreach (var ((parentId, stripe), accusations) in _against)
        {
            foreach (var old in accusations.Where(accusation => accusation.UntilMs <= nowMs))
            {
                if (_by[old.AccountId] is var accused && accused.Remove(parentId) && accused.Count == 0)
                    _by.Remove(old.AccountId);
            }

            if (accusations.RemoveAll(accusation => accusation.UntilMs <= nowMs) > 0 && accusations.Count == 0)
                _against.Remove((parentId, stripe));
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Accusation(string ChildId, string AccountId, long UntilMs);
}
