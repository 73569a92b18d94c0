using System.Diagnostics.Metrics;
using Beacon.Ledger.Books;
using Beacon.Ledger.Journal;

namespace Beacon.Ledger;

/// <summary>What the ledger measures (meter <c>Beacon.Ledger</c>).</summary>
internal sealed class LedgerMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _transfers;
    private readonly Counter<long> _failedCommits;
    private readonly Counter<long> _refusedBytes;
    private readonly Counter<long> _backups;
    private readonly Histogram<int> _groupSize;
    private readonly Histogram<double> _commitDuration;
    private readonly long[] _byCode = new long[Enum.GetValues<TransferCode>().Max(code => (int)code) + 1];
    private long _balanceSum;

    public LedgerMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("Beacon.Ledger");
        _transfers = _meter.CreateCounter<long>("beacon.ledger.transfers", "{transfer}", "Transfers booked, by code.");
        _failedCommits = _meter.CreateCounter<long>("beacon.ledger.commits.failed", "{commit}", "Transactions that failed.");
        _refusedBytes = _meter.CreateCounter<long>("beacon.ledger.relay_work.refused", "By", "Relay work that was not paid for, by reason.");
        _groupSize = _meter.CreateHistogram<int>("beacon.ledger.commit.requests", "{request}", "Requests committed in one transaction.");
        _commitDuration = _meter.CreateHistogram("beacon.ledger.commit.duration", "s", "Duration of a transaction, to the disk.", advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
        });
        _backups = _meter.CreateCounter<long>("beacon.ledger.backups", "{backup}", "Backups, by outcome.");
        _meter.CreateObservableGauge("beacon.ledger.proof_age", () => ProofAge(), "s", "Since the running ledger last replayed its whole journal and found it sound; since the start, before the first time.");
        _meter.CreateObservableGauge("beacon.ledger.balance_sum", () => BalanceSum, "{microcredit}", "Sum over all balances at the last check. Anything but zero is a defect.");
    }

    /// <summary>How old the last complete proof of the journal is, in seconds; set by who proves it.</summary>
    public Func<double> ProofAge { get; set; } = () => 0;

    /// <summary>Sum over all balances at the last check, micro-credits.</summary>
    public long BalanceSum
    {
        get => Interlocked.Read(ref _balanceSum);
        set => Interlocked.Exchange(ref _balanceSum, value);
    }

    public void Committed(Changes changes, int requests, TimeSpan duration)
    {
        _groupSize.Record(requests);
        _commitDuration.Record(duration.TotalSeconds);
        _byCode.AsSpan().Clear();
        foreach (var (request, posted) in changes.Batches)
            _byCode[(int)request.Code] += posted.Transfers.Count;
        for (var code = 0; code < _byCode.Length; code++)
        {
            if (_byCode[code] > 0)
                _transfers.Add(_byCode[code], new KeyValuePair<string, object?>("code", Code((TransferCode)code)));
        }

        foreach (var (reason, bytes) in changes.Operations.RefusedBytes)
            _refusedBytes.Add(bytes, new KeyValuePair<string, object?>("reason", Reason(reason)));
    }

    /// <summary>Somebody listens now. What hardly ever happens is there from then on, at zero: an alert on its increase would miss the first event.</summary>
    public void Begin()
    {
        _failedCommits.Add(0);
        _backups.Add(0, Outcome(true));
        _backups.Add(0, Outcome(false));
        foreach (var reason in Enum.GetValues<RefusalReason>())
            _refusedBytes.Add(0, new KeyValuePair<string, object?>("reason", Reason(reason)));
    }

    public void BackupEnded(bool succeeded) => _backups.Add(1, Outcome(succeeded));

    public void CommitFailed() => _failedCommits.Add(1);

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Outcome(bool succeeded) => new("outcome", succeeded ? "made" : "failed");

    private static string Code(TransferCode code) => code switch
    {
        TransferCode.Relay => "relay",
        TransferCode.Tip => "tip",
        TransferCode.SponsorshipFunding => "sponsorship_funding",
        TransferCode.Sponsorship => "sponsorship",
        TransferCode.Deposit => "deposit",
        TransferCode.Refund => "refund",
        TransferCode.Withdrawal => "withdrawal",
        _ => "other",
    };

    private static string Reason(RefusalReason reason) => reason switch
    {
        RefusalReason.SameAccount => "same_account",
        RefusalReason.SameAddressBlock => "same_address_block",
        RefusalReason.Unanswered => "unanswered",
        RefusalReason.OverSlots => "over_slots",
        RefusalReason.OverAccountCap => "over_account_cap",
        RefusalReason.OverStreamCap => "over_stream_cap",
        RefusalReason.OverConsumption => "over_consumption",
        RefusalReason.Probation => "probation",
        _ => "other",
    };
}
