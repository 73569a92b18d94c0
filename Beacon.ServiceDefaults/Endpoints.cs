using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Beacon.ServiceDefaults;

/// <summary>
/// Where a process listens (<c>Beacon:Endpoints</c>). Two ports, because Kestrel cannot serve HTTP/1.1 and HTTP/2 without TLS on one.
/// </summary>
public sealed class EndpointsOptions
{
    public const string Section = "Beacon:Endpoints";

    /// <summary>The address to bind: an IP address, or <c>*</c> for all.</summary>
    [Required]
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>HTTP/1.1: pages, REST, gRPC-Web, the WebSocket, health.</summary>
    [Range(1, 65535)]
    public int HttpPort { get; set; } = 8080;

    /// <summary>HTTP/2 without TLS: gRPC.</summary>
    [Range(1, 65535)]
    public int GrpcPort { get; set; } = 8081;
}

public static class Endpoints
{
    /// <summary>Binds the two named endpoints <c>http</c> and <c>grpc</c>.</summary>
    public static void AddEndpoints(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddOptions<EndpointsOptions>().BindConfiguration(EndpointsOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        var options = builder.Configuration.GetSection(EndpointsOptions.Section).Get<EndpointsOptions>() ?? new EndpointsOptions();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            Listen(options.HttpPort, HttpProtocols.Http1);
            Listen(options.GrpcPort, HttpProtocols.Http2);

            void Listen(int port, HttpProtocols protocols)
            {
                if (options.Address == "*")
                    kestrel.ListenAnyIP(port, listen => listen.Protocols = protocols);
                else
                    kestrel.Listen(IPAddress.Parse(options.Address), port, listen => listen.Protocols = protocols);
            }
        });
    }
}
