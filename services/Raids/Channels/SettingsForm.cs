using System.Text.RegularExpressions;
using Beacon.Contracts.Raids.V1;
using Beacon.Raids.Raid;
using Beacon.Raids.Streams;
using Google.Protobuf.Collections;
using Grpc.Core;
using Consent = Beacon.Contracts.Raids.V1.RaidConsent;
using Form = Beacon.Contracts.Raids.V1.ChannelSettings;

namespace Beacon.Raids.Channels;

/// <summary>The settings of a channel as they are sent, checked.</summary>
internal static partial class SettingsForm
{
    private const int MaxListed = 500;
    private const int MaxHosts = 20;
    private const int MaxTags = 10;
    private const int MaxAudience = 10_000_000;

    public static ChannelRules Read(Form form, string channel)
    {
        if (form.MinRaidViewers > MaxAudience || form.MaxRaidViewers > MaxAudience || (form.MaxRaidViewers > 0 && form.MaxRaidViewers < form.MinRaidViewers))
            throw Invalid($"min_raid_viewers and max_raid_viewers are 0 to {MaxAudience}, and the largest is not below the smallest.");
        if (form.Tags.Count > MaxTags || form.Tags.Any(tag => !Tag().IsMatch(tag)))
            throw Invalid($"tags: at most {MaxTags}, each of 1 to 32 letters, digits and hyphens.");
        if (form.Language.Length > 0 && !Language().IsMatch(form.Language))
            throw Invalid("language is no BCP 47 tag such as en or pt-BR.");
        return new ChannelRules
        {
            Accepts = form.AcceptsRaids switch
            {
                Consent.Unspecified or Consent.All => Raid.RaidConsent.All,
                Consent.Followed => Raid.RaidConsent.Followed,
                Consent.None => Raid.RaidConsent.None,
                _ => throw Invalid("accepts_raids has no such value."),
            },
            MinViewers = (int)form.MinRaidViewers,
            MaxViewers = (int)form.MaxRaidViewers,
            Blocked = Channels(form.BlockedChannels, "blocked_channels", MaxListed, channel),
            Followed = Channels(form.FollowedChannels, "followed_channels", MaxListed, channel),
            Tags = [.. form.Tags.Select(tag => tag.ToLowerInvariant()).Distinct(StringComparer.Ordinal)],
            Language = form.Language,
            Hosting = form.AutoHost switch
            {
                AutoHost.Unspecified or AutoHost.Off => HostMode.Off,
                AutoHost.List => HostMode.List,
                AutoHost.Random => HostMode.Random,
                _ => throw Invalid("auto_host has no such value."),
            },
            HostChannels = form.HostChannels.Contains(channel) ? throw RaidsErrors.AutoHostLoop.Exception() : Channels(form.HostChannels, "host_channels", MaxHosts, channel),
        };
    }

    public static Form Show(ChannelRules rules) => new()
    {
        AcceptsRaids = rules.Accepts switch { Raid.RaidConsent.All => Consent.All, Raid.RaidConsent.Followed => Consent.Followed, _ => Consent.None },
        MinRaidViewers = (uint)rules.MinViewers,
        MaxRaidViewers = (uint)rules.MaxViewers,
        BlockedChannels = { rules.Blocked },
        FollowedChannels = { rules.Followed },
        Tags = { rules.Tags },
        Language = rules.Language,
        AutoHost = rules.Hosting switch { HostMode.Off => AutoHost.Off, HostMode.List => AutoHost.List, _ => AutoHost.Random },
        HostChannels = { rules.HostChannels },
    };

    private static IReadOnlyList<string> Channels(RepeatedField<string> names, string field, int most, string own)
    {
        if (names.Count > most || names.Any(name => !ChannelNames.IsPlausible(name)))
            throw Invalid($"{field}: at most {most}, each of 1 to {ChannelNames.MaxLength} characters.");
        return names.Contains(own) ? throw Invalid($"{field} names the channel itself.") : [.. names.Distinct(StringComparer.Ordinal)];
    }

    private static RpcException Invalid(string detail) => RaidsErrors.InvalidChannelSettings.Exception(detail);

    [GeneratedRegex(@"^[\p{L}\p{Nd}-]{1,32}$", RegexOptions.NonBacktracking)]
    private static partial Regex Tag();

    [GeneratedRegex("^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$", RegexOptions.NonBacktracking)]
    private static partial Regex Language();
}
