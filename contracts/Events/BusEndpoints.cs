namespace Beacon.Contracts.Events;

/// <summary>
/// The bus endpoints of the services: the names of their queues on the broker, which stay when a service is upgraded. Those of Signaling come
/// and go with its replicas (<see cref="EdgeEndpoint"/>).
/// </summary>
public static class BusEndpoints
{
    public const string LedgerRelayWorkVerified = "ledger-relay-work-verified";
    public const string LedgerStreamStarted = "ledger-stream-started";
    public const string LedgerStreamEnded = "ledger-stream-ended";
    public const string RaidsStreamStarted = "raids-stream-started";
    public const string RaidsStreamAudienceChanged = "raids-stream-audience-changed";
    public const string RaidsStreamEnded = "raids-stream-ended";
    public const string RaidsSquadChanged = "raids-squad-changed";
    public const string RaidsRaidDeclined = "raids-raid-declined";
    public const string RaidsBroadcasterAway = "raids-broadcaster-away";

    public static IReadOnlyList<string> All { get; } =
    [
        LedgerRelayWorkVerified, LedgerStreamStarted, LedgerStreamEnded,
        RaidsStreamStarted, RaidsStreamAudienceChanged, RaidsStreamEnded, RaidsSquadChanged, RaidsRaidDeclined, RaidsBroadcasterAway,
    ];

    /// <summary>Where the messages wait that the endpoint's consumers could not deal with, after all retries.</summary>
    public static string Errors(string endpoint) => $"{endpoint}_error";
}
