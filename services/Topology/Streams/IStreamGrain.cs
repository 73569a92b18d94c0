namespace Beacon.Topology.Streams;

/// <summary>The one owner of a stream's trees. The key is the stream id.</summary>
[Alias("beacon.topology.stream")]
internal interface IStreamGrain : IGrainWithStringKey
{
    Task<Reply<StreamInfo>> Start(StartCommand command);

    /// <summary>Joins and leaves, in order, answered together.</summary>
    Task<Reply<CommandReplies>> Execute(IReadOnlyList<StreamCommand> commands);

    /// <summary>An audience of another stream comes, parents before children.</summary>
    Task<Reply<Imported>> Import(IReadOnlyList<ArrivalCommand> arrivals);

    /// <summary>Viewers of these as they would come to another stream, parents before children; who is none is left out.</summary>
    Task<Reply<IReadOnlyList<ArrivalCommand>>> Audience(IReadOnlyList<string> peerIds);

    /// <summary>A squad member's peer becomes the broadcaster's.</summary>
    Task<Reply<StreamInfo>> Handover(HandoverCommand command);

    Task<Reply<Reported>> Report(EdgeReports reports);

    /// <param name="accountId">Only a stream of this account ends; null = any.</param>
    Task<Refusal> End(string reason, string? accountId);

    Task<Reply<StreamInfo>> Get();

    /// <summary>
    /// Parents before children, beginning after this peer, or, when it has left, at the offset. Pages of a changing tree may repeat or miss
    /// a peer that was moved; the version tells.
    /// </summary>
    Task<Reply<TreeView>> GetTree(int stripe, int pageSize, int offset, string? afterPeerId);

    /// <summary>
    /// A part of the tree in no particular order. Who reads all parts and then all changes after the first part's cursor has the tree.
    /// </summary>
    Task<Reply<TreeSlice>> ReadTree(int stripe, int from);

    /// <summary>What was committed after the cursor.</summary>
    Task<Reply<TreeNews>> Changes(int stripe, TreeCursor cursor);

    Task<Reply<PlaceExplained>> Explain(string peerId, int stripe);

    /// <summary>Does now what the timer does.</summary>
    Task Tick();
}
