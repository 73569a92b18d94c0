using Docker.DotNet;
using Docker.DotNet.Models;
using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Containers;

namespace Beacon.Testing;

/// <summary>A container whose port on this machine stays the same over its lives.</summary>
internal sealed class StoreContainer(IContainer container) : IPart
{
    private readonly DockerClient _engine = TestcontainersSettings.OS.DockerEndpointAuthConfig.GetDockerClientBuilder(Guid.NewGuid()).Build();

    public Task StartAsync() => container.StartAsync();

    public Task KillAsync() => _engine.Containers.KillContainerAsync(container.Id, new ContainerKillParameters { Signal = "KILL" });

    public Task PauseAsync() => container.PauseAsync();

    public Task ContinueAsync() => container.UnpauseAsync();

    public async ValueTask DisposeAsync()
    {
        await container.DisposeAsync();
        _engine.Dispose();
    }
}
