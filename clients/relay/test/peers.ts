import type { RtcFactory } from 'beacon-client';
import { listen } from '../swarm/listener';
import { broadcastNoise } from '../swarm/noise';
import { nodeRtc } from '../src/rtc';
import type { Hub } from './hub';

export const rtc = nodeRtc('127.0.0.1');

const token = () => 'token';

export const broadcast = ({ url }: Hub) => broadcastNoise({ url, token, rtc, bitrateKbps: 1000, framesPerSecond: 30, maxChildren: 0 });

export const watch = ({ url, streamId }: Hub, make: RtcFactory = rtc, relayOnly = false) => listen({ url, streamId, token, rtc: make, uplinkMbps: 100, relayOnly });

/** What a relay does to each chunk that it should forward: the messages that it sends instead. */
export type Mischief = (bytes: Uint8Array<ArrayBuffer>, index: number) => Uint8Array<ArrayBuffer>[];

/** Connections of a relay that is honest until `mischief.now` is set. Only what it sends to its children is touched. */
export function crooked(mischief: { now?: Mischief }): RtcFactory {
  return (configuration) => {
    const connection = rtc(configuration);
    let attach: RTCPeerConnection['ondatachannel'] = null;
    const tamper: RTCPeerConnection['ondatachannel'] = (event) => {
      const { channel } = event;
      const send = channel.send.bind(channel) as (data: string | Uint8Array<ArrayBuffer>) => void;
      let index = 0;
      channel.send = (data: unknown) => {
        const isChunk = typeof data !== 'string' && mischief.now;
        const messages = isChunk ? mischief.now!(data as Uint8Array<ArrayBuffer>, index++) : [data as string];
        for (const message of messages) send(message);
      };
      attach?.call(connection, event);
    };
    // The connection looks its handler up when a channel comes.
    Object.defineProperty(connection, 'ondatachannel', { set: (handler: typeof attach) => (attach = handler), get: () => attach && tamper });
    return connection;
  };
}

export async function until(fact: () => boolean, what: string, timeoutMs = 30_000): Promise<void> {
  const began = performance.now();
  while (!fact()) {
    if (performance.now() - began > timeoutMs) throw new Error(`Within ${timeoutMs} ms it did not happen that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
