using Google.Api;
using Google.Protobuf.Reflection;

namespace Beacon.Contracts.Tests;

/// <summary>The REST side of an RPC.</summary>
internal static class HttpRules
{
    public sealed record Route(string Verb, string Path, string Body);

    public static Route? Of(MethodDescriptorProto method)
    {
        if (method.Options?.HasExtension(AnnotationsExtensions.Http) != true)
            return null;
        var rule = method.Options.GetExtension(AnnotationsExtensions.Http);
        var (verb, path) = rule.PatternCase switch
        {
            HttpRule.PatternOneofCase.Get => ("GET", rule.Get),
            HttpRule.PatternOneofCase.Put => ("PUT", rule.Put),
            HttpRule.PatternOneofCase.Post => ("POST", rule.Post),
            HttpRule.PatternOneofCase.Delete => ("DELETE", rule.Delete),
            HttpRule.PatternOneofCase.Patch => ("PATCH", rule.Patch),
            _ => (rule.Custom?.Kind ?? "", rule.Custom?.Path ?? ""),
        };
        return new Route(verb, path, rule.Body);
    }
}
