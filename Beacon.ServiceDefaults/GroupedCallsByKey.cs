using System.Collections.Concurrent;

namespace Beacon.ServiceDefaults;

/// <summary>Grouped calls to several others, each of which has its own.</summary>
/// <param name="maxKeys">More than there are at a time: when there are more, most of them are gone.</param>
/// <param name="maxBatch">What the other side takes in one call.</param>
/// <param name="maxUnderWay">Calls to one of them at a time.</param>
/// <param name="call">Answers as many requests as it is given for a key, in their order.</param>
public sealed class GroupedCallsByKey<TRequest, TAnswer>(
    int maxKeys, int maxBatch, int maxUnderWay, Func<string, IReadOnlyList<TRequest>, Task<IReadOnlyList<TAnswer>>> call)
{
    private readonly ConcurrentDictionary<string, GroupedCalls<TRequest, TAnswer>> _calls = new(StringComparer.Ordinal);

    /// <summary>The answer to a request, of the call for its key that took it along.</summary>
    public Task<TAnswer> AskAsync(string key, TRequest request) => CallsFor(key).AskAsync(request);

    private GroupedCalls<TRequest, TAnswer> CallsFor(string key)
    {
        if (_calls.TryGetValue(key, out var known))
            return known;
        // Calls that are under way answer all the same.
        if (_calls.Count >= maxKeys)
            _calls.Clear();
        return _calls.GetOrAdd(key, _ => new(maxBatch, maxUnderWay, requests => call(key, requests)));
    }
}
