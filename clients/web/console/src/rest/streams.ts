import type { BeaconApi, RaidSummary, StreamSummary } from 'beacon-client';
import { url } from './ledger';

export interface StreamFilter {
  query: string;
  tag: string;
  language: string;
}

/** One change of the directory; first all that is live, then `complete`. */
export interface DirectoryMessage {
  live?: StreamSummary;
  goneStreamId?: string;
  complete?: boolean;
}

export interface ChannelSettings {
  acceptsRaids: string;
  minRaidViewers: number;
  maxRaidViewers: number;
  blockedChannels: string[];
  followedChannels: string[];
  tags: string[];
  language: string;
  autoHost: string;
  hostChannels: string[];
}

export interface LiveStream {
  streamId: string;
  channel: string;
  title: string;
  broadcasterAccountId: string;
  startedAt: string;
  viewers: number;
  spareSlots: number;
  bitrateKbps: number;
  stripes: number;
  broadcasterConnected: boolean;
}

export const watchDirectory = (api: BeaconApi, { query, tag, language }: StreamFilter, signal: AbortSignal) =>
  api.messages<DirectoryMessage>(url`/api/streams/live?query=${query}&tag=${tag}&language=${language}`, signal);

export const listStreams = async (api: BeaconApi, { query, tag, language }: StreamFilter) =>
  (await api.call<{ streams?: StreamSummary[] }>('GET', url`/api/streams?pageSize=200&query=${query}&tag=${tag}&language=${language}`)).streams ?? [];

export const liveStream = async (api: BeaconApi, streamId: string) => (await api.call<{ stream: LiveStream }>('GET', url`/api/streams/${streamId}`)).stream;

export const channelRaids = async (api: BeaconApi, channel: string) => (await api.call<{ raids?: RaidSummary[] }>('GET', url`/api/raids?channel=${channel}`)).raids ?? [];

export const channelSettings = async (api: BeaconApi, channel: string) =>
  (await api.call<{ settings: ChannelSettings }>('GET', url`/api/channels/${channel}/settings`)).settings;

export const saveChannelSettings = async (api: BeaconApi, channel: string, settings: ChannelSettings) =>
  (await api.call<{ settings: ChannelSettings }>('PUT', url`/api/channels/${channel}/settings`, settings)).settings;
