namespace Beacon.Topology.Streams;

/// <summary>The one owner of a stream's trees. The key is the stream id.</summary>
[Alias("beacon.topology.stream")]
internal interface IStreamGrain : IGrainWithStringKey
{
    Task<Reply<StreamInfo>> Start(StartCommand command);

    Task<Reply<StreamInfo>> Join(JoinCommand command);

    /// <summary>Many joins, one commit.</summary>
    Task<JoinReplies> JoinMany(IReadOnlyList<JoinCommand> commands);

    Task<Refusal> Leave(string peerId, string edgeId);

    /// <summary>Many leaves, one commit.</summary>
    Task<Refusal> LeaveMany(IReadOnlyList<LeaveCommand> commands);

    /// <summary>The peers of these that the stream does not have.</summary>
    Task<Reply<IReadOnlyList<string>>> Report(EdgeReports reports);

    /// <param name="accountId">Only a stream of this account ends; null = any.</param>
    Task<Refusal> End(string reason, string? accountId);

    Task<Reply<StreamInfo>> Get();

    /// <summary>Parents before children. Pages of a changing tree may repeat or miss a peer; the version tells.</summary>
    Task<Reply<TreeView>> GetTree(int stripe, int pageSize, int offset);

    Task<Reply<PlaceExplained>> Explain(string peerId, int stripe);

    /// <summary>Does now what the timer does.</summary>
    Task Tick();
}
