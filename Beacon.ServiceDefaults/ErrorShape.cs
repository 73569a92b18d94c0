using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Beacon.ServiceDefaults;

/// <summary>
/// Every failed answer of REST has the shape and a reason of docs/errors.md, also one that routing, transcoding or the gateway made, which
/// know neither.
/// </summary>
internal static class ErrorShape
{
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithTypeRegistry(ErrorJson.Types));

    public static void UseErrorShape(this WebApplication app) => app.UseWhen(
        context => context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal) && !ErrorJson.IsGrpc(context.Request),
        rest => rest.Use(ApplyAsync));

    private static async Task ApplyAsync(HttpContext context, RequestDelegate next)
    {
        var direct = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        await using var body = new HeldErrors(context.Response, direct.Stream);
        var held = new StreamResponseBodyFeature(body, direct);
        context.Features.Set<IHttpResponseBodyFeature>(held);
        try
        {
            await next(context);
            await held.Writer.FlushAsync(context.RequestAborted);
        }
        finally
        {
            context.Features.Set(direct);
        }

        if (context.Response.HasStarted || context.Response.StatusCode < StatusCodes.Status400BadRequest)
            return;
        var status = Read(body.Held);
        if (status is { Details.Count: > 0 })
            await context.Response.Body.WriteAsync(body.Held, context.RequestAborted);
        else
            await WriteAsync(context.Response, status?.Message);
    }

    private static Task WriteAsync(HttpResponse response, string? message)
    {
        response.ContentLength = null;
        var fault = Of(response.StatusCode);
        // A gateway's 502 and 504 are, to the caller, a service that is away.
        var status = fault == CommonErrors.ServiceUnavailable ? StatusCodes.Status503ServiceUnavailable : response.StatusCode;
        return ErrorJson.WriteAsync(response, status, fault.Status == StatusCode.InvalidArgument && message is { Length: > 0 } ? fault with { Text = message } : fault);
    }

    private static Fault Of(int httpStatus) => httpStatus switch
    {
        StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed or StatusCodes.Status501NotImplemented => CommonErrors.UnknownOperation,
        StatusCodes.Status502BadGateway or StatusCodes.Status503ServiceUnavailable or StatusCodes.Status504GatewayTimeout => CommonErrors.ServiceUnavailable,
        >= StatusCodes.Status500InternalServerError => CommonErrors.InternalError,
        _ => CommonErrors.MalformedRequest,
    };

    private static Google.Rpc.Status? Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            return json.IsEmpty ? null : Parser.Parse<Google.Rpc.Status>(System.Text.Encoding.UTF8.GetString(json.Span));
        }
        catch (InvalidProtocolBufferException)
        {
            return null; // Somebody else's page.
        }
    }

    /// <summary>Passes a body on, but keeps that of a failure back until it is known whether it has a reason.</summary>
    private sealed class HeldErrors(HttpResponse response, Stream direct) : Stream
    {
        private MemoryStream? _held;

        public ReadOnlyMemory<byte> Held => _held?.GetBuffer().AsMemory(0, (int)_held.Length) ?? default;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        private Stream Target =>
            _held ?? (response.HasStarted || response.StatusCode < StatusCodes.Status400BadRequest ? direct : _held = new MemoryStream());

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => Target.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task FlushAsync(CancellationToken cancellationToken) => Target.FlushAsync(cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => Target.Write(buffer, offset, count);

        public override void Flush() => Target.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
