using System.ComponentModel.DataAnnotations;
using Beacon.Topology.Mesh;

namespace Beacon.Topology;

/// <summary>How the replicas of Topology find each other.</summary>
public enum TopologyClustering
{
    /// <summary>One replica: embedded, or on its own.</summary>
    Localhost = 0,

    /// <summary>Many replicas, known to each other through Redis.</summary>
    Redis = 1,

    /// <summary>As <see cref="Redis"/>, and each replica is a pod: names, address, ports and cluster are the pod's, and Kubernetes tells which are gone.</summary>
    Kubernetes = 2,
}

/// <summary>The topology service (<c>Beacon:Topology</c>).</summary>
public sealed class TopologyOptions
{
    public const string Section = "Beacon:Topology";

    /// <summary><c>Localhost</c> (default), <c>Redis</c> or <c>Kubernetes</c>. Two replicas need one of the latter, else each would believe that it owns every stream.</summary>
    [EnumDataType(typeof(TopologyClustering))]
    public TopologyClustering Clustering { get; set; }

    /// <summary>The port on which replicas talk to each other. 1 to 65,535, default 11,111.</summary>
    [Range(1, 65535)]
    public int SiloPort { get; set; } = 11_111;

    /// <summary>The port for Orleans clients. 1 to 65,535, default 30,000.</summary>
    [Range(1, 65535)]
    public int GatewayPort { get; set; } = 30_000;

    /// <summary>
    /// Where Signaling reaches the gRPC of this replica and of no other, <c>http://host:port</c>: what concerns a stream goes to its owner at once.
    /// Empty (default) = the address that the replica binds, or, when it binds all, the one by which other replicas know it.
    /// </summary>
    [RegularExpression("https?://[^/]+")]
    public string GrpcAddress { get; set; } = "";

    /// <summary>Replicas of one cluster id form one cluster. Changes with each deployment that must not mix with the former.</summary>
    [Required]
    public string ClusterId { get; set; } = "beacon";

    /// <summary>The Orleans service id; stays the same over deployments.</summary>
    [Required]
    public string ServiceId { get; set; } = "beacon-topology";

    /// <summary>How often replicas ask each other for a sign of life, and how long they wait for it, in milliseconds. 200 to 30,000, default 1,000.</summary>
    [Range(200, 30_000)]
    public int ProbeMs { get; set; } = 1_000;

    /// <summary>
    /// A replica that left so many probes unanswered is taken for lost, and its streams get new owners. 1 to 10, default 2. One that was
    /// only slow is fenced out by the record, so that a wrong verdict costs a rebuild, never a second tree.
    /// </summary>
    [Range(1, 10)]
    public int MissedProbes { get; set; } = 2;

    /// <summary>Length of a settlement window in milliseconds. 1,000 to 60,000, default 10,000.</summary>
    [Range(1_000, 60_000)]
    public int WindowMs { get; set; } = 10_000;

    /// <summary>How often a stream looks at what only time brings, in milliseconds. 100 to 10,000, default 1,000.</summary>
    [Range(100, 10_000)]
    public int TickMs { get; set; } = 1_000;

    /// <summary>A peer without a report for so many seconds is taken for gone. 5 to 300, default 15: seven reports of two seconds. Four times as long when nobody at all is heard.</summary>
    [Range(5, 300)]
    public int PeerSilenceSeconds { get; set; } = 15;

    /// <summary>How long a stream outlives its broadcaster's connection, in seconds. 1 to 600, default 30: a page reload and a bad minute on a train.</summary>
    [Range(1, 600)]
    public int RootGraceSeconds { get; set; } = 30;

    /// <summary>A child that reports no receipt of its parent for so many seconds is told its place again. 2 to 60, default 5.</summary>
    [Range(2, 60)]
    public int ResendAfterSeconds { get; set; } = 5;

    /// <summary>After so many repeats the child gets another parent. 1 to 10, default 2.</summary>
    [Range(1, 10)]
    public int ResendsBeforeMove { get; set; } = 2;

    /// <summary>The most children of a viewer. 1 to 32, default 8.</summary>
    [Range(1, 32)]
    public int MaxSlots { get; set; } = 8;

    /// <summary>The most children of a broadcaster. 1 to 32, default 4: it encodes as well.</summary>
    [Range(1, 32)]
    public int RootMaxSlots { get; set; } = 4;

    /// <summary>What an unproven claim buys, and what each window may add to what receipts proved. 1 to 8, default 2.</summary>
    [Range(1, 8)]
    public int SlowStartSlots { get; set; } = 2;

    /// <summary>The share of an uplink that is planned with. 0.1 to 1, default 0.8.</summary>
    [Range(0.1, 1.0)]
    public double UplinkShare { get; set; } = 0.8;

    /// <summary>Children that receive less are starving, in Mbit/s. 0 to 100, default 0.5.</summary>
    [Range(0.0, 100.0)]
    public double DegradedUploadMbps { get; set; } = 0.5;

    /// <summary>A parent further away is failing its children, in milliseconds. 50 to 60,000, default 1,000.</summary>
    [Range(50.0, 60_000.0)]
    public double DegradedLatencyMs { get; set; } = 1_000;

    /// <summary>Bad windows in a row before a parent is drained. 1 to 10, default 2: one may be chance.</summary>
    [Range(1, 10)]
    public int DegradedWindows { get; set; } = 2;

    /// <summary>How long a drained parent is the last choice, in seconds; doubles with each relapse, at most three times. 1 to 3,600, default 60.</summary>
    [Range(1, 3_600)]
    public int DegradedBackOffSeconds { get; set; } = 60;

    /// <summary>How long the word of a child that its parent broke the rules is remembered, in seconds. 1 to 3,600, default 60.</summary>
    [Range(1, 3_600)]
    public int AccusationSeconds { get; set; } = 60;

    /// <summary>
    /// So many accounts must have said so, and more than the parent has children that did not, until it is drained. 1 to 32, default 2: one
    /// child that lies costs a parent that child alone.
    /// </summary>
    [Range(1, 32)]
    public int LeastAccusers { get; set; } = 2;

    /// <summary>So many parents may one account accuse in that time; of more it is not heard. 0 to 32, default 2. 0 = nobody is heard.</summary>
    [Range(0, 32)]
    public int AccusationsPerAccount { get; set; } = 2;

    /// <summary>
    /// Who refuses to relay (joins with an uplink of 0) is placed last: as deep in the tree as there is room, and after those who share when all
    /// wait for a slot. Default false.
    /// </summary>
    public bool FreeRidersLast { get; set; }

    /// <summary>How long a former parent keeps serving a child that was moved, in milliseconds. 0 to 60,000, default 5,000.</summary>
    [Range(0, 60_000)]
    public int DrainMs { get; set; } = 5_000;

    /// <summary>Peers lifted per tick. 0 to 1,000, default 4.</summary>
    [Range(0, 1_000)]
    public int LiftMovesPerTick { get; set; } = 4;

    /// <summary>
    /// Stripes of new streams: over so many trees the chunks are dealt. 1 to 8, default 1. A stream keeps what it began with. The web client
    /// plays and sends one stripe; more are for clients of your own.
    /// </summary>
    [Range(1, 8)]
    public int Stripes { get; set; } = 1;

    /// <summary>The most peers of one stream, waiting ones included. 2 to 1,000,000, default 100,000.</summary>
    [Range(2, 1_000_000)]
    public int MaxPeersPerStream { get; set; } = 100_000;

    /// <summary>The most peers that wait in one stream. 0 to 1,000,000, default 10,000.</summary>
    [Range(0, 1_000_000)]
    public int MaxWaitingPerStream { get; set; } = 10_000;

    /// <summary>The most live streams. 1 to 10,000 (what one list call returns), default 10,000.</summary>
    [Range(1, 10_000)]
    public int MaxLiveStreams { get; set; } = 10_000;

    /// <summary>
    /// Peers of one address block (IPv4 /24, IPv6 /48) earn nothing by serving each other. Default true. Off where all share one address:
    /// in development and in the embedded profile.
    /// </summary>
    public bool ExcludeSameAddressBlock { get; set; } = true;

    /// <summary>The longest that one directive may take to be sent, in milliseconds. 100 to 30,000, default 2,000. What is not sent is told again later.</summary>
    [Range(100, 30_000)]
    public int SendTimeoutMs { get; set; } = 2_000;

    /// <summary>The longest that a commit may take, in milliseconds, until the stream's owner goes on from memory. 100 to 30,000, default 2,000: below the deadline of an edge's call.</summary>
    [Range(100, 30_000)]
    public int CommitTimeoutMs { get; set; } = 2_000;

    /// <summary>
    /// While the record cannot be written, newcomers are admitted for so many seconds. 0 to 3,600, default 120: a restart of the store.
    /// After that they are refused, since who is admitted from memory alone is lost with the replica. The tree is looked after all the same.
    /// </summary>
    [Range(0, 3_600)]
    public int JournalAwaySeconds { get; set; } = 120;

    /// <summary>Joins and leaves of one stream that wait in one replica for its owner. 64 to 1,000,000, default 100,000: one for each peer that a stream may have. More are refused.</summary>
    [Range(64, 1_000_000)]
    public int MaxQueuedCommands { get; set; } = 100_000;

    /// <summary>State of a stream that nobody owns any more leaves Redis after so many hours. 1 to 720, default 24.</summary>
    [Range(1, 720)]
    public int StateTtlHours { get; set; } = 24;

    /// <summary>How often each replica makes sure that every live stream has an owner, in seconds. 1 to 600, default 30.</summary>
    [Range(1, 600)]
    public int SweepSeconds { get; set; } = 30;

    /// <summary>The most calls that watch a tree at once, per replica. 1 to 100,000, default 1,000. Watchers of one tree share what it costs its owner.</summary>
    [Range(1, 100_000)]
    public int MaxWatchers { get; set; } = 1_000;

    /// <summary>Changes that may be under way to one watcher, in messages. 1 to 10,000, default 64. Who falls further behind gets the tree anew.</summary>
    [Range(1, 10_000)]
    public int WatchBufferMessages { get; set; } = 64;

    /// <summary>How often a replica where a tree is watched asks the owner for changes, in milliseconds. 20 to 5,000, default 200.</summary>
    [Range(20, 5_000)]
    public int WatchPollMs { get; set; } = 200;

    /// <summary>A watcher that heard nothing for so many seconds gets a heartbeat. 1 to 60, default 10: what stands in between gives up after a minute or more.</summary>
    [Range(1, 60)]
    public int WatchHeartbeatSeconds { get; set; } = 10;

    internal TreeRules RulesFor(int bitrateKbps) => new()
    {
        BitrateKbps = bitrateKbps,
        MaxSlots = MaxSlots,
        RootMaxSlots = RootMaxSlots,
        SlowStartSlots = SlowStartSlots,
        UplinkShare = UplinkShare,
        DegradedUploadMbps = DegradedUploadMbps,
        DegradedLatencyMs = DegradedLatencyMs,
        DegradedWindows = DegradedWindows,
        DegradedBackOffMs = DegradedBackOffSeconds * 1000L,
        DrainMs = DrainMs,
        AccusationMs = AccusationSeconds * 1000L,
        LeastAccusers = LeastAccusers,
        AccusationsPerAccount = AccusationsPerAccount,
        FreeRidersLast = FreeRidersLast,
        MaxPeers = MaxPeersPerStream,
        MaxWaiting = MaxWaitingPerStream,
    };
}
