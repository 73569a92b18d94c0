using System.CommandLine;
using Beacon.Contracts.Ledger.V1;
using Spectre.Console;

namespace Beacon.Cli;

/// <summary>Balances, the own or, for an operator, anybody's.</summary>
internal static class WalletCommand
{
    public static Command Create(CommandMaker maker)
    {
        var account = new Argument<string?>("account") { Description = "An account, for operators; without one the caller's own.", Arity = ArgumentArity.ZeroOrOne };
        return maker.Create("wallet", "Shows what an account has and what of it can be spent.", [account], async (run, parsed, cancellation) =>
        {
            if (parsed.GetValue(account) is not { } of)
            {
                var own = await run.Api.CallAsync<GetWalletResponse>(HttpMethod.Get, "/api/wallet", null, cancellation);
                return run.Show(own, console => Draw(
                    console, own.AccountId, own.Frozen, own.BalanceMicrocredits, own.AvailableMicrocredits, own.EarnedByRelayingMicrocredits, own.WithheldMicrocredits));
            }

            var found = await run.Api.CallAsync<GetAccountResponse>(HttpMethod.Get, $"/api/operator/account?accountId={Uri.EscapeDataString(of)}", null, cancellation);
            return run.Show(found, console => Draw(
                console, $"{found.AccountId} {found.DisplayName}", found.Frozen, found.BalanceMicrocredits, found.AvailableMicrocredits, found.EarnedByRelayingMicrocredits, found.WithheldMicrocredits));
        });
    }

    private static void Draw(IAnsiConsole console, string account, bool isFrozen, long balance, long available, long earned, long withheld)
    {
        console.MarkupLineInterpolated($"[bold]{account}[/]{(isFrozen ? " frozen: nothing leaves it" : "")}");
        var table = CommandRun.Table("", "#credits");
        CommandRun.AddRow(table, "balance", CommandRun.Credits(balance));
        CommandRun.AddRow(table, "can be spent", CommandRun.Credits(available));
        CommandRun.AddRow(table, "earned by relaying", CommandRun.Credits(earned));
        CommandRun.AddRow(table, "withheld until probation ends", CommandRun.Credits(withheld));
        console.Write(table);
    }
}
