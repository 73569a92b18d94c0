using Beacon.Contracts.Raids.V1;
using Beacon.Raids.Channels;
using Beacon.Raids.Streams;
using Beacon.ServiceDefaults;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;

namespace Beacon.Raids;

/// <summary>The RPCs about channels.</summary>
internal sealed partial class RaidsGrpc
{
    [AllowAnonymous]
    public override async Task<GetChannelResponse> GetChannel(GetChannelRequest request, ServerCallContext context)
    {
        var view = ChannelNames.IsPlausible(request.Channel) ? await hosting.ViewAsync(request.Channel) : null;
        return view is null
            ? throw RaidsErrors.UnknownChannel.Exception()
            : new GetChannelResponse
            {
                Channel = request.Channel,
                Live = view.Live is null ? null : Summary(view.Live),
                Host = view.Host is null ? null : Summary(view.Host),
                HostReason = view.HostReason,
            };
    }

    [Authorize]
    public override async Task<GetChannelSettingsResponse> GetChannelSettings(GetChannelSettingsRequest request, ServerCallContext context)
    {
        RequireChannel(request.Channel, context);
        return new GetChannelSettingsResponse { Settings = SettingsForm.Show(await settings.GetAsync(request.Channel)) };
    }

    [Authorize]
    public override async Task<UpdateChannelSettingsResponse> UpdateChannelSettings(UpdateChannelSettingsRequest request, ServerCallContext context)
    {
        RequireChannel(request.Channel, context);
        var rules = SettingsForm.Read(request.Settings ?? new Contracts.Raids.V1.ChannelSettings(), request.Channel);
        await hosting.RefuseLoopAsync(request.Channel, rules.Hosting == Raid.HostMode.Off ? [] : rules.HostChannels);
        await settings.SetAsync(request.Channel, rules);
        if (await directory.LiveOnAsync(request.Channel) is { } streamId)
            await directory.DescribeAsync(streamId, rules);
        return new UpdateChannelSettingsResponse { Settings = SettingsForm.Show(rules) };
    }

    private static void RequireChannel(string channel, ServerCallContext context)
    {
        if (!ChannelNames.IsPlausible(channel) || Caller.Of(context).Channel != channel)
            throw RaidsErrors.NotYourChannel.Exception();
    }
}
