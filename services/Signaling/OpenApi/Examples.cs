using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using FieldType = Google.Protobuf.Reflection.FieldDescriptorProto.Types.Type;

namespace Beacon.Signaling.OpenApi;

/// <summary>
/// What messages look like, for people: each field by its name has a value that could be real. Field names mean the same everywhere in the
/// contracts, so that a table of names is enough; a test holds every text field to have a line here.
/// </summary>
internal sealed class Examples(ProtoIndex protos)
{
    private const string Stream = "01981f2e-5a7c-7d3e-8b1a-2f6c9d4e7a10";
    private const string Account = "guest-4f8c2a1b9d6e";
    private const string Peer = "01981f2e-6b21-7c44-9e0d-51a7c3b8f206";
    private const string OtherPeer = "01981f2e-6b21-7c44-9e0d-51a7c3b8f207";
    private const string Request = "0198201a-0c35-7f10-a4d2-7e9b3c5d8f61";
    private const string Digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    private const string Credits = "2500000";

    private static readonly Dictionary<string, string> Texts = new(StringComparer.Ordinal)
    {
        ["access_token"] = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJndWVzdC00ZjhjMmExYjlkNmUifQ.signature",
        ["account_id"] = Account,
        ["actor_account_id"] = Account,
        ["blocked_channels"] = "noisy-channel",
        ["broadcaster_account_id"] = "guest-7b3d9e5f1c20",
        ["channel"] = "harbour-cam",
        ["credential"] = "6Zk0Yl3wq1dV9vJ0o2mXn4bQ7aE=",
        ["credit_account_id"] = "guest-7b3d9e5f1c20",
        ["debit_account_id"] = Account,
        ["display_name"] = "Ada",
        ["draw_commitment"] = Digest,
        ["draw_seed"] = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        ["edge_id"] = "edge-1",
        ["followed_channels"] = "harbour-cam",
        ["from_account_id"] = Account,
        ["from_channel"] = "harbour-cam",
        ["from_stream_id"] = Stream,
        ["gone_stream_id"] = Stream,
        ["head"] = Digest,
        ["host_channels"] = "night-sky",
        ["host_reason"] = "auto_host",
        ["language"] = "en",
        ["name"] = "Ada",
        ["next_draw_commitment"] = Digest,
        ["next_page_token"] = "",
        ["note"] = "Chargeback, ticket 4711",
        ["operator_account_id"] = "guest-0a1b2c3d4e5f",
        ["operator_key"] = "",
        ["page_token"] = "",
        ["parent_peer_id"] = OtherPeer,
        ["peer_id"] = Peer,
        ["query"] = "harbour",
        ["raid_id"] = Request,
        ["raid_target"] = "none",
        ["reason"] = "",
        ["reference"] = Stream,
        ["refresh_token"] = "eyJhbGciOiJFUzI1NiJ9.eyJ1c2UiOiJyZWZyZXNoIn0.signature",
        ["request_id"] = Request,
        ["session_id"] = "",
        ["sponsorship_id"] = Request,
        ["squad_account_id"] = "",
        ["squad_account_ids"] = "guest-7b3d9e5f1c20",
        ["standby_peer_id"] = "01981f2e-6b21-7c44-9e0d-51a7c3b8f208",
        ["stream_id"] = Stream,
        ["tag"] = "music",
        ["tags"] = "music",
        ["target_stream_id"] = "01981f30-11aa-7b52-9c3d-8e7f6a5b4c3d",
        ["ticket"] = "b7Qm2xVd9sKfT4wZ",
        ["title"] = "Ships at the quay",
        ["token_id"] = "",
        ["transfer_id"] = Request,
        ["urls"] = "turn:turn.example.org:3478?transport=udp",
        ["username"] = "1767225600:guest-4f8c2a1b9d6e",
        ["verdict"] = "",
        ["waiting_peer_ids"] = OtherPeer,
        ["withdrawal_id"] = Request,
    };

    private static readonly Dictionary<string, int> Numbers = new(StringComparer.Ordinal)
    {
        ["page_size"] = 50,
        ["stripe"] = 0,
        ["stripes"] = 1,
        ["depth"] = 2,
        ["slots"] = 3,
        ["children"] = 2,
        ["viewers"] = 42,
        ["spare_slots"] = 17,
        ["bitrate_kbps"] = 2_500,
        ["max_depth"] = 5,
        ["ideal_max_depth"] = 4,
        ["countdown_seconds"] = 15,
        ["seconds"] = 30,
        ["share_bps"] = 10_000,
        ["max_children"] = 4,
        ["campaign_minutes"] = 60,
        ["squad_version"] = 1,
        ["max_raid_viewers"] = 5_000,
        ["at_unix_ms"] = 0,
        ["from_unix_ms"] = 0,
        ["to_unix_ms"] = 0,
        ["at_transfer"] = 0,
        ["from_transfer"] = 0,
        ["to_transfer"] = 0,
        ["rate_microcredits_per_viewer_minute"] = 1_000,
        ["max_microcredits_per_hour"] = 0,
        ["sum_microcredits"] = 0,
    };

    /// <summary>True when a text field of this name has a value of its own.</summary>
    public static bool Knows(string textField) => Texts.ContainsKey(textField);

    /// <summary>A message with all its fields, of each oneof the first.</summary>
    public JsonObject Of(string fullName) => Of(protos.Message(fullName).Field, protos.Message(fullName).OneofDecl.Count);

    /// <summary>An object of these fields.</summary>
    public JsonObject Of(IEnumerable<FieldDescriptorProto> fields, int oneofs = 0)
    {
        var example = new JsonObject();
        var told = new bool[oneofs];
        foreach (var field in fields)
        {
            if (field.HasOneofIndex && !field.Proto3Optional)
            {
                if (told[field.OneofIndex])
                    continue;
                told[field.OneofIndex] = true;
            }

            // An empty text says nothing.
            if (Of(field) is var value && !IsEmpty(value))
                example[field.JsonName] = value;
        }

        return example;
    }

    /// <summary>One field.</summary>
    public JsonNode Of(FieldDescriptorProto field) =>
        field.Label == FieldDescriptorProto.Types.Label.Repeated ? new JsonArray(Single(field)) : Single(field);

    private JsonNode Single(FieldDescriptorProto field) => field.Type switch
    {
        FieldType.Message when field.TypeName is ".google.protobuf.Timestamp" => "2026-01-01T12:00:00Z",
        FieldType.Message => Of(field.TypeName),
        FieldType.Enum => protos.Enum(field.TypeName).Value[1].Name,
        FieldType.Bool => false,
        FieldType.Double or FieldType.Float => 12.5,
        FieldType.Int64 or FieldType.Uint64 => field.Name.EndsWith("_microcredits", StringComparison.Ordinal) && !Numbers.ContainsKey(field.Name)
            ? Credits
            : Number(field).ToString(System.Globalization.CultureInfo.InvariantCulture),
        FieldType.String => Texts.GetValueOrDefault(field.Name, ""),
        _ => Number(field),
    };

    private static int Number(FieldDescriptorProto field) => Numbers.GetValueOrDefault(field.Name, 1);

    private static bool IsEmpty(JsonNode value) => value is JsonValue text && text.TryGetValue<string>(out var content) && content.Length == 0;
}
