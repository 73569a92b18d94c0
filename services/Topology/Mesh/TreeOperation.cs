using System.Runtime.InteropServices;

namespace Beacon.Topology.Mesh;

internal enum OperationKind
{
    Join,
    Leave,
    Measured,
    Proved,
    Claimed,
    Judged,
    Condemned,
    Accused,
    Unreachable,
    Resend,
    Tick,
    Import,
    ReplaceRoot,
}

/// <summary>
/// One decision's input. A tree is a function of its operations: the same list, applied to a new tree with the same root and rules,
/// gives the same places, standbys, numbers and directives, whenever and wherever it is replayed.
/// </summary>
/// <param name="PeerIds">Whom it is about; several with <see cref="OperationKind.Leave"/>; child and parent with <see cref="OperationKind.Accused"/>.</param>
/// <param name="Mbps">Uplink, with <see cref="OperationKind.Join"/> and <see cref="OperationKind.Claimed"/>.</param>
/// <param name="LatencyMs">With <see cref="OperationKind.Join"/> and <see cref="OperationKind.Measured"/>.</param>
/// <param name="Count">Proven children, the most children of a root, or the moves of a tick.</param>
/// <param name="IsBad">With <see cref="OperationKind.Judged"/>.</param>
/// <param name="Arrivals">With <see cref="OperationKind.Import"/>.</param>
/// <param name="Region">With <see cref="OperationKind.Join"/>.</param>
/// <param name="Stripe">Of what is about one edge of one tree: <see cref="OperationKind.Proved"/>, <see cref="OperationKind.Judged"/>, <see cref="OperationKind.Condemned"/>, <see cref="OperationKind.Accused"/>, <see cref="OperationKind.Unreachable"/>.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TreeOperation(
    OperationKind Kind,
    long AtMs,
    IReadOnlyList<string> PeerIds,
    double Mbps = 0,
    double LatencyMs = 0,
    int Count = 0,
    bool IsBad = false,
    IReadOnlyList<Arrival>? Arrivals = null,
    string? Region = null,
    int Stripe = 0);

internal sealed partial class Tree
{
    public void Apply(TreeOperation operation)
    {
        var at = operation.AtMs;
        switch (operation.Kind)
        {
            case OperationKind.Join:
                Join(operation.PeerIds[0], operation.Mbps, operation.LatencyMs, at, operation.Region);
                break;
            case OperationKind.Leave:
                Leave(operation.PeerIds, at);
                break;
            case OperationKind.Measured:
                Measured(operation.PeerIds[0], operation.LatencyMs);
                break;
            case OperationKind.Proved:
                Proved(operation.PeerIds[0], operation.Count, at);
                break;
            case OperationKind.Claimed:
                Claimed(operation.PeerIds[0], operation.Mbps, operation.Count, at);
                break;
            case OperationKind.Judged:
                Judged(operation.PeerIds[0], operation.IsBad, at);
                break;
            case OperationKind.Condemned:
                Condemned(operation.PeerIds[0], at);
                break;
            case OperationKind.Accused:
                Accused(operation.PeerIds[0], operation.PeerIds[1], at);
                break;
            case OperationKind.Unreachable:
                Unreachable(operation.PeerIds[0], at);
                break;
            case OperationKind.Resend:
                Resend(operation.PeerIds[0], Reasons.Resumed, at);
                break;
            case OperationKind.Tick:
                Tick(operation.Count, at);
                break;
            case OperationKind.Import:
                Import(operation.Arrivals ?? [], at);
                break;
            case OperationKind.ReplaceRoot:
                ReplaceRoot(operation.PeerIds[0], operation.Mbps, operation.Count, at);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(operation), operation.Kind, "no such operation");
        }
    }
}
