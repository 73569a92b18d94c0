namespace Beacon.Testing;

/// <summary>A part of a deployment that can be lost, and come back at the same address with what it had on its disk.</summary>
public interface IPart : IAsyncDisposable
{
    /// <summary>Starts it, also again after it was killed, and waits until it is ready.</summary>
    Task StartAsync();

    /// <summary>SIGKILL, as a power cut.</summary>
    Task KillAsync();

    /// <summary>SIGSTOP: its connections stand, and nobody answers.</summary>
    Task PauseAsync();

    Task ContinueAsync();
}
