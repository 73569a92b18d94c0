using System.Runtime.InteropServices;

namespace Beacon.Benchmarks.Model;

/// <summary>One random operation as plain numbers, so that any list of them is a history and a failing one can be made smaller.</summary>
/// <param name="Kind">0 to 99: what is done.</param>
/// <param name="Who">0 to 9,999: whom it is about.</param>
/// <param name="Amount">0 to 9,999: how much, or how long.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Step(int Kind, int Who, int Amount);
