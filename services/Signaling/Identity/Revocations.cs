using System.Collections.Concurrent;
using System.Globalization;
using Beacon.Signaling.Sessions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Beacon.Signaling.Identity;

/// <summary>What a revocation takes back.</summary>
internal enum RevocationKind
{
    /// <summary>Everything that was issued to the account until then.</summary>
    Account,

    /// <summary>One access token, by <c>jti</c>.</summary>
    Token,

    /// <summary>Everything that descends from one sign-in, by <c>sid</c>.</summary>
    SignIn,
}

/// <summary>
/// Tokens that were taken back before they expired. The list is in Redis, each replica keeps a copy, because it is asked with every request, and
/// hears of news over a channel; it also looks for what it missed. Entries go when the last token that they cover has expired.
/// </summary>
internal sealed class Revocations(Edge edge, IConnectionMultiplexer redis, IOptions<SignalingOptions> options, TimeProvider clock, ILogger<Revocations> log) : BackgroundService
{
    private const string Key = "beacon:revocations";
    private static readonly RedisChannel Channel = RedisChannel.Literal("beacon:revoked");
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(10);

    /// <summary>Clocks of replicas differ, so news is looked for from a little earlier on.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, long> _atMs = new(StringComparer.Ordinal);
    private bool _isListening;

    /// <summary>True when a token was taken back.</summary>
    public bool Covers(string accountId, string tokenId, string signInId, DateTimeOffset issuedAt) => !_atMs.IsEmpty
        && ((_atMs.TryGetValue(Name(RevocationKind.Account, accountId), out var atMs) && issuedAt.ToUnixTimeMilliseconds() <= atMs)
            || (tokenId.Length > 0 && _atMs.ContainsKey(Name(RevocationKind.Token, tokenId)))
            || (signInId.Length > 0 && _atMs.ContainsKey(Name(RevocationKind.SignIn, signInId))));

    /// <summary>Returns when it is written down and this replica has acted; the others follow at once.</summary>
    public async Task RevokeAsync(RevocationKind kind, string id)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var name = Name(kind, id);
        await redis.GetDatabase().SortedSetAddAsync(Key, name, now);
        Apply(name, now);
        await redis.GetSubscriber().PublishAsync(Channel, string.Create(CultureInfo.InvariantCulture, $"{now} {name}"));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            using var tick = new PeriodicTimer(LookInterval, clock);
            var since = 0L;
            do
            {
                since = await LookAsync(since);
            }
            while (await tick.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task<long> LookAsync(long since)
    {
        var now = clock.GetUtcNow();
        var oldest = (now - TimeSpan.FromDays(options.Value.RefreshTokenDays)).ToUnixTimeMilliseconds();
        try
        {
            if (!_isListening)
            {
                (await redis.GetSubscriber().SubscribeAsync(Channel)).OnMessage(message => Heard((string)message.Message!));
                _isListening = true;
            }

            var store = redis.GetDatabase();
            await store.SortedSetRemoveRangeByScoreAsync(Key, double.NegativeInfinity, oldest);
            foreach (var entry in await store.SortedSetRangeByScoreWithScoresAsync(Key, since))
                Apply(entry.Element!, (long)entry.Score);
        }
        catch (Exception exception) when (exception is RedisException or RedisTimeoutException)
        {
            Log.RevocationsNotRead(log, exception);
            return since;
        }

        foreach (var (name, atMs) in _atMs)
        {
            if (atMs < oldest)
                _atMs.TryRemove(KeyValuePair.Create(name, atMs));
        }

        return (now - Overlap).ToUnixTimeMilliseconds();
    }

    private void Heard(string message)
    {
        var space = message.IndexOf(' ', StringComparison.Ordinal);
        Apply(message[(space + 1)..], long.Parse(message.AsSpan(0, space), CultureInfo.InvariantCulture));
    }

    private void Apply(string name, long atMs)
    {
        if (_atMs.TryGetValue(name, out var known) && known >= atMs)
            return;
        _atMs[name] = atMs;
        foreach (var session in edge.Sessions)
            EndIfCovered(session);
    }

    /// <summary>Ends a session whose token was taken back.</summary>
    public bool EndIfCovered(Session session)
    {
        var held = session.Credentials;
        if (!Covers(held.Caller.AccountId, held.TokenId, held.SignInId, held.IssuedAt))
            return false;
        session.SendError(SignalingErrors.TokenRevoked);
        session.Close(Session.TokenExpired, SignalingErrors.TokenRevoked.Reason);
        return true;
    }

    private static string Name(RevocationKind kind, string id) => kind switch
    {
        RevocationKind.Account => "account:" + id,
        RevocationKind.Token => "token:" + id,
        _ => "sign-in:" + id,
    };
}
