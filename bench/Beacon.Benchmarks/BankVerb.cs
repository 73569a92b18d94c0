using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Beacon.Contracts.Ledger.V1;
using Beacon.ServiceDefaults;
using Beacon.Testing;
using Grpc.Core;
using Grpc.Net.Client;

namespace Beacon.Benchmarks;

/// <summary>
/// Clients over gRPC who pay each other and withdraw as fast as they can, while the ledger's process is killed and started
/// again. Who gets no answer asks again with the same id, so at the end everybody knows what must be in each wallet.
/// </summary>
internal static class BankVerb
{
    public static Command Create()
    {
        var clients = new Option<int>("--clients") { Description = "Clients at once.", DefaultValueFactory = _ => 16 };
        var seconds = new Option<int>("--seconds") { Description = "How long.", DefaultValueFactory = _ => 60 };
        var killSeconds = new Option<int>("--kill-seconds") { Description = "Seconds between two kills; 0 = none.", DefaultValueFactory = _ => 10 };
        return Verb.Create("bank", "A bank over gRPC whose ledger is killed: the total in every snapshot, and every wallet at the end.", [clients, seconds, killSeconds], async (parsed, log, cancellationToken) =>
        {
            await using var bank = await Bank.OpenAsync(parsed.GetValue(clients), log, cancellationToken);
            return await bank.RunAsync(TimeSpan.FromSeconds(parsed.GetValue(seconds)), TimeSpan.FromSeconds(parsed.GetValue(killSeconds)), cancellationToken);
        });
    }

    private sealed class Bank : IAsyncDisposable
    {
        private const long Each = 1_000_000;

        private readonly string _directory = Directory.CreateTempSubdirectory("beacon-bank-").FullName;
        private readonly int _clients;
        private readonly TextWriter _log;
        private readonly int _grpcPort = Ports.Free();
        private readonly int _httpPort = Ports.Free();
        private readonly GrpcChannel _channel;
        private readonly LedgerService.LedgerServiceClient _ledger;
        private readonly LedgerOperatorService.LedgerOperatorServiceClient _operators;
        private readonly long[] _expected;
        private readonly Stopwatch _watch = new();
        private Metadata[] _tokens = [];
        private Metadata _boss = [];
        private Process? _server;
        private long _requests;
        private long _booked;
        private long _repeats;
        private int _kills;
        private int _snapshots;
        private int _deviations;

        private Bank(int clients, TextWriter log)
        {
            _clients = clients;
            _log = log;
            _expected = new long[clients];
            _channel = GrpcChannel.ForAddress($"http://127.0.0.1:{_grpcPort}");
            _ledger = new(_channel);
            _operators = new(_channel);
        }

        public static async Task<Bank> OpenAsync(int clients, TextWriter log, CancellationToken cancellationToken)
        {
            var bank = new Bank(clients, log);
            await BankServer.WriteKeyAsync(bank._directory, cancellationToken);
            bank._boss = bank.Token("boss", Scopes.Operator);
            bank._tokens = [.. Enumerable.Range(0, clients).Select(client => bank.Token($"c{client}", Scopes.Viewer))];
            bank.Start();
            for (var client = 0; client < clients; client++)
            {
                await bank.AskAsync(() => bank._ledger.GetWalletAsync(new(), bank._tokens[client], cancellationToken: cancellationToken), cancellationToken);
                var deposit = new DepositRequest { AccountId = $"c{client}", AmountMicrocredits = Each, TransferId = Id(client, 0, 1) };
                await bank.AskAsync(() => bank._ledger.DepositAsync(deposit, bank._boss, cancellationToken: cancellationToken), cancellationToken);
                bank._expected[client] = Each;
            }

            return bank;
        }

        public async Task<JsonObject> RunAsync(TimeSpan duration, TimeSpan betweenKills, CancellationToken cancellationToken)
        {
            _watch.Start();
            bool Goes() => _watch.Elapsed < duration;
            var others = new List<Task> { SnapshotsAsync(Goes, cancellationToken) };
            if (betweenKills > TimeSpan.Zero)
                others.Add(KillAsync(Goes, betweenKills, cancellationToken));
            await Task.WhenAll(Enumerable.Range(0, _clients).Select(client => Task.Run(() => ClientAsync(client, Goes, cancellationToken), cancellationToken)));
            await Task.WhenAll(others);

            var mismatched = 0;
            for (var client = 0; client < _clients; client++)
            {
                var wallet = await AskAsync(() => _ledger.GetWalletAsync(new(), _tokens[client], cancellationToken: cancellationToken), cancellationToken);
                if (wallet!.BalanceMicrocredits == _expected[client] && wallet.AvailableMicrocredits == _expected[client])
                    continue;
                mismatched++;
                _log.WriteLine($"c{client} has {wallet.BalanceMicrocredits} instead of {_expected[client]}");
            }

            var totals = await AskAsync(() => _operators.GetTotalsAsync(new(), _boss, cancellationToken: cancellationToken), cancellationToken);
            return new JsonObject
            {
                ["clients"] = _clients,
                ["seconds"] = Math.Round(_watch.Elapsed.TotalSeconds, 1),
                ["kills"] = _kills,
                ["requests"] = _requests,
                ["booked"] = _booked,
                ["repeated"] = _repeats,
                ["snapshots"] = _snapshots,
                ["deviations"] = _deviations,
                ["mismatched_accounts"] = mismatched,
                ["sum"] = totals!.SumMicrocredits,
            };
        }

        public async ValueTask DisposeAsync()
        {
            _channel.Dispose();
            if (_server is not null)
            {
                _server.Kill();
                await _server.WaitForExitAsync();
                _server.Dispose();
            }

            Directory.Delete(_directory, recursive: true);
        }

        private async Task ClientAsync(int client, Func<bool> goes, CancellationToken cancellationToken)
        {
            var random = new Random(client);
            for (var i = 1; goes(); i++)
            {
                if (random.Next(8) == 0)
                    await WithdrawAsync(client, i, random, cancellationToken);
                else
                    await TipAsync(client, i, random, cancellationToken);
            }
        }

        private async Task TipAsync(int client, int i, Random random, CancellationToken cancellationToken)
        {
            var to = random.Next(_clients);
            var tip = new TipRequest { StreamId = BankServer.StreamOf(to), AmountMicrocredits = random.Next(1, 200_000), TransferId = Id(client, i, 2) };
            if (await AskAsync(() => _ledger.TipAsync(tip, _tokens[client], cancellationToken: cancellationToken), cancellationToken) is null)
                return;
            Move(client, -tip.AmountMicrocredits);
            Move(to, tip.AmountMicrocredits);
        }

        private async Task WithdrawAsync(int client, int i, Random random, CancellationToken cancellationToken)
        {
            var request = new RequestWithdrawalRequest { WithdrawalId = Id(client, i, 3), AmountMicrocredits = random.Next(1, 2_000) };
            if (await AskAsync(() => _ledger.RequestWithdrawalAsync(request, _tokens[client], cancellationToken: cancellationToken), cancellationToken) is null)
                return;
            var decision = Id(client, i, 4);
            if (random.Next(2) == 0)
            {
                await AskAsync(() => _operators.VoidWithdrawalAsync(new() { WithdrawalId = request.WithdrawalId, TransferId = decision }, _boss, cancellationToken: cancellationToken), cancellationToken);
                return;
            }

            if (await AskAsync(() => _operators.PostWithdrawalAsync(new() { WithdrawalId = request.WithdrawalId, TransferId = decision }, _boss, cancellationToken: cancellationToken), cancellationToken) is not null)
                Move(client, -request.AmountMicrocredits);
        }

        private async Task SnapshotsAsync(Func<bool> goes, CancellationToken cancellationToken)
        {
            while (goes())
            {
                var totals = (await AskAsync(() => _operators.GetTotalsAsync(new(), _boss, cancellationToken: cancellationToken), cancellationToken))!;
                var held = totals.Kinds.Where(kind => kind.Kind is AccountKind.Wallet or AccountKind.Treasury).Sum(kind => kind.BalanceMicrocredits);
                _snapshots++;
                if (totals.SumMicrocredits != 0 || held != 0)
                    _deviations++;
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
            }
        }

        private async Task KillAsync(Func<bool> goes, TimeSpan between, CancellationToken cancellationToken)
        {
            while (true)
            {
                // Only a ledger at work is worth killing.
                var before = Interlocked.Read(ref _booked);
                while (goes() && Interlocked.Read(ref _booked) == before)
                    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
                await Task.Delay(between, TimeProvider.System, cancellationToken);
                if (!goes())
                    return;
                // SIGKILL: nothing is flushed, nobody is told.
                _server!.Kill();
                await _server.WaitForExitAsync(cancellationToken);
                _server.Dispose();
                _kills++;
                Start();
            }
        }

        /// <summary>Asks until there is an answer. Null when the answer is that the wallet has too little, or that nobody else is there to be tipped.</summary>
        private async Task<T?> AskAsync<T>(Func<AsyncUnaryCall<T>> call, CancellationToken cancellationToken)
            where T : class
        {
            Interlocked.Increment(ref _requests);
            while (true)
            {
                try
                {
                    var answer = await call();
                    Interlocked.Increment(ref _booked);
                    return answer;
                }
                catch (RpcException exception) when (Fault.ReasonOf(exception) is "insufficient_credits" or "self_tip")
                {
                    return null;
                }
                catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.ResourceExhausted or StatusCode.Unknown
                    || Fault.ReasonOf(exception) == "unknown_stream")
                {
                    // Killed, or not up yet: before its streams are told, the ledger asks a Topology that is not there.
                    Interlocked.Increment(ref _repeats);
                    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
                }
            }
        }

        private void Move(int client, long amount) => Interlocked.Add(ref _expected[client], amount);

        private void Start()
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = false };
            if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
                start.ArgumentList.Add(typeof(Bank).Assembly.Location);
            foreach (var argument in new[] { BankServer.Name, "--directory", _directory, "--grpc-port", Text(_grpcPort), "--http-port", Text(_httpPort), "--clients", Text(_clients) })
                start.ArgumentList.Add(argument);
            _server = Process.Start(start) ?? throw new InvalidOperationException("The ledger's process did not start.");
        }

        private Metadata Token(string account, string scope) => new() { { "authorization", $"Bearer {BankServer.Token(_directory, account, scope)}" } };

        private static string Id(int client, int number, byte kind) => new Guid(number, (short)client, 0x7000, 0x80, kind, 0, 0, 0, 0, 0, 1).ToString();

        private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }
}
