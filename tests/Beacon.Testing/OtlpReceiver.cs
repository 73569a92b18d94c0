using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;

namespace Beacon.Testing;

/// <summary>A span as it was exported.</summary>
public sealed record ReceivedSpan(string Service, string Name, string TraceId, string SpanId, string ParentId);

/// <summary>A log record as it was exported.</summary>
public sealed record ReceivedLog(string TraceId, string Text);

/// <summary>An example that a metric gives: a trace that was measured.</summary>
public sealed record ReceivedExemplar(string Metric, string Unit, string TraceId);

/// <summary>
/// Takes traces, logs and metrics as a collector does, by OTLP over HTTP, and keeps spans, log records and exemplars. Of the messages it reads the few fields that tests look at, by
/// their numbers in opentelemetry/proto: trace/v1/trace.proto, logs/v1/logs.proto, metrics/v1/metrics.proto.
/// </summary>
public sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<ReceivedSpan> _spans = [];
    private readonly ConcurrentQueue<ReceivedLog> _logs = [];
    private readonly ConcurrentQueue<ReceivedExemplar> _exemplars = [];
    private readonly Task _receiving;

    public OtlpReceiver()
    {
        Address = new Uri($"http://127.0.0.1:{Ports.Free()}/");
        _listener.Prefixes.Add(Address.ToString());
        _listener.Start();
        _receiving = ReceiveAsync();
    }

    public Uri Address { get; }

    /// <summary>The environment in which a process exports here, without delay.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Address.ToString(),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "200",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
    };

    public IReadOnlyList<ReceivedSpan> Of(string traceId) => [.. _spans.Where(span => span.TraceId == traceId)];

    /// <summary>The spans of a trace once they are as expected; what there is when that takes too long.</summary>
    public async Task<IReadOnlyList<ReceivedSpan>> WaitAsync(string traceId, Predicate<IReadOnlyList<ReceivedSpan>> isComplete)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var round = 0; ; round++)
        {
            var spans = Of(traceId);
            if (isComplete(spans) || round == 600)
                return spans;
            await tick.WaitForNextTickAsync();
        }
    }

    /// <summary>The log record of a trace with this text in it, and the exemplar of a metric with this trace; null for what never came.</summary>
    public async Task<(ReceivedLog? Log, ReceivedExemplar? Exemplar)> WaitAsync(string traceId, string text, string metric)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var round = 0; ; round++)
        {
            var log = _logs.FirstOrDefault(log => log.TraceId == traceId && log.Text.Contains(text, StringComparison.Ordinal));
            var exemplar = _exemplars.FirstOrDefault(exemplar => exemplar.TraceId == traceId && exemplar.Metric == metric);
            if ((log is not null && exemplar is not null) || round == 400)
                return (log, exemplar);
            await tick.WaitForNextTickAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _receiving;
        _listener.Close();
    }

    private async Task ReceiveAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                // Stopped.
                return;
            }

            try
            {
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                Take(context.Request.Url!.AbsolutePath, body.ToArray());
                context.Response.Close();
            }
            catch (HttpListenerException)
            {
                // Its sender was killed in the middle of it, as tests do.
                context.Response.Abort();
            }
        }
    }

    private void Take(string path, byte[] request)
    {
        switch (path)
        {
            case "/v1/traces":
                Read(request);
                break;
            case "/v1/logs":
                ReadLogs(request);
                break;
            case "/v1/metrics":
                ReadMetrics(request);
                break;
        }
    }

    private void Read(byte[] request)
    {
        foreach (var resourceSpans in Fields(request, 1))
        {
            var attributes = Fields(resourceSpans, 1).SelectMany(resource => Fields(resource, 1));
            var service = attributes.Where(attribute => Text(attribute, 1) == "service.name").Select(attribute => Text(Fields(attribute, 2)[0], 1)).FirstOrDefault() ?? "";
            foreach (var span in Fields(resourceSpans, 2).SelectMany(scope => Fields(scope, 2)))
                _spans.Enqueue(new ReceivedSpan(service, Text(span, 5), Hex(span, 1), Hex(span, 2), Hex(span, 4)));
        }
    }

    private void ReadLogs(byte[] request)
    {
        foreach (var log in Fields(request, 1).SelectMany(resource => Fields(resource, 2)).SelectMany(scope => Fields(scope, 2)))
            _logs.Enqueue(new ReceivedLog(Hex(log, 9), Fields(log, 5).Select(body => Text(body, 1)).FirstOrDefault() ?? ""));
    }

    /// <summary>Of histograms alone.</summary>
    private void ReadMetrics(byte[] request)
    {
        foreach (var metric in Fields(request, 1).SelectMany(resource => Fields(resource, 2)).SelectMany(scope => Fields(scope, 2)))
        {
            foreach (var exemplar in Fields(metric, 9).SelectMany(histogram => Fields(histogram, 1)).SelectMany(point => Fields(point, 8)))
                _exemplars.Enqueue(new ReceivedExemplar(Text(metric, 1), Text(metric, 3), Hex(exemplar, 5)));
        }
    }

    private static string Text(byte[] message, int field) => Fields(message, field).Select(System.Text.Encoding.UTF8.GetString).FirstOrDefault() ?? "";

    private static string Hex(byte[] message, int field) => Fields(message, field).Select(Convert.ToHexStringLower).FirstOrDefault() ?? "";

    /// <summary>The values of a length-delimited field.</summary>
    private static List<byte[]> Fields(byte[] message, int field)
    {
        var values = new List<byte[]>();
        using var input = new CodedInputStream(message);
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            if (WireFormat.GetTagFieldNumber(tag) == field && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
                values.Add(input.ReadBytes().ToByteArray());
            else
                input.SkipLastField();
        }

        return values;
    }
}
