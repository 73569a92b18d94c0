using System.ComponentModel.DataAnnotations;

namespace Beacon.Signaling;

/// <summary>The edge (<c>Beacon:Signaling</c>).</summary>
public sealed class SignalingOptions : IValidatableObject
{
    public const string Section = "Beacon:Signaling";

    /// <summary>The name of this replica on the bus and in Redis, unique among the running ones. Empty: drawn at start.</summary>
    [RegularExpression("^[a-z0-9-]{0,40}$")]
    public string EdgeId { get; set; } = "";

    /// <summary>Where this replica and its peers are, e.g. <c>eu-west</c>: of otherwise equal parents a peer gets one of its own region. Empty: unknown.</summary>
    [RegularExpression("^[a-zA-Z0-9_.-]{0,64}$")]
    public string Region { get; set; } = "";

    /// <summary>The largest frame that a client may send, in bytes. A larger one closes the session with 1009.</summary>
    [Range(20_480, 524_288)]
    public int MaxFrameBytes { get; set; } = 65_536;

    /// <summary>The longest SDP in a <c>signal</c>, in bytes of UTF-8.</summary>
    [Range(1_024, 65_536)]
    public int MaxSdpBytes { get; set; } = 16_384;

    /// <summary>The longest ICE candidate in a <c>signal</c>, in bytes of UTF-8.</summary>
    [Range(256, 16_384)]
    public int MaxCandidateBytes { get; set; } = 2_048;

    /// <summary>Frames that may wait for a slow client. One more closes its session with 1013.</summary>
    [Range(16, 65_536)]
    public int MaxQueuedFrames { get; set; } = 512;

    /// <summary>The most sessions of this replica. One more is refused with 1013.</summary>
    [Range(1, 1_000_000)]
    public int MaxSessions { get; set; } = 50_000;

    /// <summary>Streams that one session may be in at once: the one it watches, and the one that it moves to.</summary>
    [Range(1, 16)]
    public int MaxStreamsPerSession { get; set; } = 3;

    /// <summary><c>signal</c> frames a session may send a second, over time.</summary>
    [Range(1, 10_000)]
    public int SignalsPerSecond { get; set; } = 50;

    /// <summary><c>signal</c> frames a session may send at once after silence.</summary>
    [Range(1, 10_000)]
    public int SignalBurst { get; set; } = 200;

    /// <summary><c>go-live</c> and <c>join-stream</c> frames a session may send a second, over time.</summary>
    [Range(1, 1_000)]
    public int JoinsPerSecond { get; set; } = 1;

    /// <summary><c>go-live</c> and <c>join-stream</c> frames a session may send at once after silence.</summary>
    [Range(1, 1_000)]
    public int JoinBurst { get; set; } = 5;

    /// <summary>WebSocket handshakes that one address (IPv6: one /64) may make a second, over time.</summary>
    [Range(1, 100_000)]
    public int HandshakesPerSecondPerAddress { get; set; } = 10;

    /// <summary>WebSocket handshakes that one address may make at once after silence: a household, an office after a lost network.</summary>
    [Range(1, 100_000)]
    public int HandshakeBurstPerAddress { get; set; } = 100;

    /// <summary>Guest accounts that one address (IPv6: one /64) may make a second, over time.</summary>
    [Range(1, 100_000)]
    public int GuestsPerSecondPerAddress { get; set; } = 1;

    /// <summary>Guest accounts that one address may make at once after silence.</summary>
    [Range(1, 100_000)]
    public int GuestBurstPerAddress { get; set; } = 60;

    /// <summary>Calls of REST and gRPC-Web that one account may make a second, over time.</summary>
    [Range(1, 100_000)]
    public int CallsPerSecondPerAccount { get; set; } = 50;

    /// <summary>Calls of REST and gRPC-Web that one account may make at once after silence.</summary>
    [Range(1, 100_000)]
    public int CallBurstPerAccount { get; set; } = 500;

    /// <summary>Calls of REST and gRPC-Web without a token that one address (IPv6: one /64) may make a second, over time.</summary>
    [Range(1, 100_000)]
    public int CallsPerSecondPerAddress { get; set; } = 100;

    /// <summary>Calls of REST and gRPC-Web without a token that one address may make at once after silence: a lecture hall that opens the directory.</summary>
    [Range(1, 100_000)]
    public int CallBurstPerAddress { get; set; } = 1_000;

    /// <summary>Addresses, and accounts, whose rates are counted at the same time. With more, new ones share one count, so that memory stays bounded.</summary>
    [Range(1, 10_000_000)]
    public int MaxTrackedAddresses { get; set; } = 100_000;

    /// <summary>
    /// Origins whose pages may open a session besides those of this host, e.g. <c>https://tv.example.org</c>; <c>*</c> allows all. Clients that send
    /// no <c>Origin</c> are no browsers and are not asked.
    /// </summary>
    [Required]
    public IList<string> AllowedOrigins { get; set; } = [];

    /// <summary>
    /// How long a peer whose connection was lost without a goodbye keeps its place, in milliseconds: enough to change networks. Its children find
    /// another parent by themselves meanwhile. 0: it leaves at once.
    /// </summary>
    [Range(0, 60_000)]
    public int ResumeGraceMs { get; set; } = 1_000;

    /// <summary>How long a ticket of <c>POST /api/auth/socket-ticket</c> opens a WebSocket, in seconds.</summary>
    [Range(1, 300)]
    public int SocketTicketSeconds { get; set; } = 30;

    /// <summary>How often a peer reports, in milliseconds. Reports that come twice as often are refused.</summary>
    [Range(500, 10_000)]
    public int ReportIntervalMs { get; set; } = 2_000;

    /// <summary>How long reports are collected before they go to Topology in one call, in milliseconds.</summary>
    [Range(1, 1_000)]
    public int ReportBatchMs { get; set; } = 50;

    /// <summary>How often an idle WebSocket is pinged, in seconds; without an answer for as long again it is closed.</summary>
    [Range(1, 300)]
    public int KeepAliveSeconds { get; set; } = 15;

    /// <summary>How long an edge ticket may be used to open a connection, in seconds.</summary>
    [Range(10, 3_600)]
    public int EdgeTicketSeconds { get; set; } = 120;

    /// <summary>How long a lost peer or broadcaster may resume under its old id, in minutes.</summary>
    [Range(1, 10_080)]
    public int ResumeTicketMinutes { get; set; } = 1_440;

    /// <summary>How long an access token of the guest issuer is good, in minutes.</summary>
    [Range(1, 15)]
    public int AccessTokenMinutes { get; set; } = 15;

    /// <summary>How long a refresh token of the guest issuer is good, in days.</summary>
    [Range(1, 365)]
    public int RefreshTokenDays { get; set; } = 30;

    /// <summary>
    /// With this key <c>POST /api/auth/guest</c> gives the <c>operator</c> scope. Empty: made once and kept in
    /// <c>operator.key</c> in the data directory. At least 16 characters.
    /// </summary>
    [RegularExpression("^$|^.{16,}$")]
    public string OperatorKey { get; set; } = "";

    /// <summary>STUN servers for the browsers, e.g. <c>stun:stun.example.org:3478</c>. Empty: peers of one network only.</summary>
    [Required]
    public IList<string> StunUrls { get; set; } = [];

    /// <summary>TURN servers for the browsers, e.g. <c>turn:turn.example.org:3478?transport=udp</c>.</summary>
    [Required]
    public IList<string> TurnUrls { get; set; } = [];

    /// <summary>The secret shared with the TURN servers (coturn's <c>static-auth-secret</c>). Needed when <see cref="TurnUrls"/> is set.</summary>
    public string TurnSecret { get; set; } = "";

    /// <summary>How long TURN credentials are good, in seconds.</summary>
    [Range(60, 86_400)]
    public int TurnCredentialSeconds { get; set; } = 3_600;

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (TurnUrls.Count > 0 && TurnSecret.Length == 0)
            yield return new ValidationResult($"{Section}:TurnSecret is needed when {Section}:TurnUrls is set.");
    }
}
