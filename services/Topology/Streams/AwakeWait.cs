namespace Beacon.Topology.Streams;

/// <summary>
/// Waits for an answer as long as this process runs. Time in which it stood still (it was stopped, or its machine was) is not the other
/// side's silence: the answer may have come meanwhile, and has yet to be handed over. So the patience is spent in parts, and each
/// counts as one however late its timer came.
/// </summary>
internal sealed class AwakeWait(TimeProvider clock, TimeSpan patience)
{
    private const int Parts = 8;

    private readonly TimeSpan _part = patience / Parts;

    /// <summary>A part took so much longer than it should that others may have taken this process for lost.</summary>
    public bool StoodStill { get; private set; }

    /// <exception cref="TimeoutException">There was no answer.</exception>
    public async Task For(Task answer)
    {
        // Who waits no longer does not see how it ends.
        answer.Ignore();
        for (var left = Parts; ; left--)
        {
            var began = clock.GetTimestamp();
            try
            {
                await answer.WaitAsync(_part, clock);
                return;
            }
            catch (TimeoutException) when (left > 1 && !answer.IsFaulted)
            {
                // The next part.
            }
            finally
            {
                StoodStill |= clock.GetElapsedTime(began) > 2 * _part;
            }
        }
    }
}
