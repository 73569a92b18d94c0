using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Beacon.ServiceDefaults;

/// <summary>
/// Where a process listens (<c>Beacon:Endpoints</c>). Two ports, because Kestrel cannot serve HTTP/1.1 and HTTP/2 without TLS on one.
/// </summary>
public sealed class EndpointsOptions : IValidatableObject
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

    /// <summary>
    /// Proxies and balancers in front, as IP addresses or networks (<c>10.0.0.0/8</c>): from these, and from no other, <c>X-Forwarded-For</c> and
    /// <c>X-Forwarded-Proto</c> are believed. Without it the proxy's address is taken for the client's, and all its clients share the rates of one.
    /// </summary>
    [Required]
    public IList<string> TrustedProxies { get; set; } = [];

    /// <summary>
    /// How long the process goes on to serve after it was told to stop, in seconds, while <c>/health</c> says that it is not ready and Signaling tells
    /// its clients in turn to go elsewhere. 0 to 300, default 0: who stops the only process gains nothing by waiting.
    /// </summary>
    [Range(0, 300)]
    public int DrainSeconds { get; set; }

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Address != "*" && !IPAddress.TryParse(Address, out _))
            yield return new ValidationResult($"{Section}:Address is '{Address}', and must be an IP address, or * for all.");
        foreach (var proxy in TrustedProxies.Where(proxy => !System.Net.IPNetwork.TryParse(AsNetwork(proxy), out _)))
            yield return new ValidationResult($"{Section}:TrustedProxies has '{proxy}', and must be IP addresses or networks such as 10.0.0.0/8.");
    }

    /// <summary>The network that an entry of <see cref="TrustedProxies"/> stands for.</summary>
    internal static string AsNetwork(string proxy) =>
        proxy.Contains('/', StringComparison.Ordinal) ? proxy : proxy.Contains(':', StringComparison.Ordinal) ? $"{proxy}/128" : $"{proxy}/32";
}

public static class Endpoints
{
    /// <summary>Binds the two named endpoints <c>http</c> and <c>grpc</c>.</summary>
    public static void AddEndpoints(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddOptions<EndpointsOptions>().BindConfiguration(EndpointsOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        var options = builder.Configuration.GetSection(EndpointsOptions.Section).Get<EndpointsOptions>() ?? new EndpointsOptions();
        // After what services say of all listeners.
        builder.Services.PostConfigure<KestrelServerOptions>(kestrel =>
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

    /// <summary>Takes the client's address and scheme from the proxies that are trusted. First of all middleware.</summary>
    internal static void UseTrustedProxies(this WebApplication app)
    {
        var proxies = app.Services.GetRequiredService<IOptions<EndpointsOptions>>().Value.TrustedProxies;
        if (proxies.Count == 0)
            return;
        // As many hops as are trusted: the walk ends at the first address that is not.
        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var proxy in proxies)
            forwarded.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(EndpointsOptions.AsNetwork(proxy)));
        app.UseForwardedHeaders(forwarded);
    }
}
