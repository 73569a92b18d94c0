import { WebSocket } from 'ws';
import { BeaconApi, type RtcFactory } from 'beacon-client';
import { Fragmenter } from '../../web/packages/beacon-client/src/chunks/fragmenter';
import { FrameSigner } from '../../web/packages/beacon-client/src/chunks/signing';
import { StreamPeer } from '../../web/packages/beacon-client/src/mesh/streamPeer';
import type { SessionContext } from '../../web/packages/beacon-client/src/session';
import { SignalingSocket } from '../../web/packages/beacon-client/src/signaling/socket';
import { TokenKeeper } from '../../web/packages/beacon-client/src/signaling/tokens';
import { ViewerStream } from '../../web/packages/beacon-client/src/viewerStream';
import { nodeRtc } from '../src/rtc';
import type { Hub } from './hub';

export const rtc = nodeRtc('127.0.0.1');

function contextOf(hub: Hub, make: RtcFactory): SessionContext {
  const tokens = new TokenKeeper(() => 'token', () => undefined);
  const webSocket = WebSocket as unknown as typeof globalThis.WebSocket;
  const socket = new SignalingSocket({ url: `${hub.url.replace('http', 'ws')}/ws`, tokens, webSocket });
  return { socket, api: new BeaconApi(hub.url), iceServers: () => Promise.resolve([]), rtc: make, readyTimeoutMs: 5000 };
}

/** A broadcaster whose pictures are noise: 30 a second, a key frame every second, 800 kbit/s, signed like real ones. */
export async function broadcast(hub: Hub) {
  const context = contextOf(hub, rtc);
  const { socket } = context;
  const signer = await FrameSigner.create();
  await socket.ready(5000);
  const answer = await socket.request({ case: 'goLive', value: { title: 't', bitrateKbps: 1000, signingKeyJwk: signer.publicJwk } });
  if (answer.case !== 'streamLive') throw new Error(`answered ${answer.case}`);
  const { streamId, peerId, keyCertificate } = answer.value;
  const peer = new StreamPeer({
    socket,
    streamId,
    peerId,
    bitrateKbps: 1000,
    uplinkMbps: 100,
    rtc,
    iceServers: [],
    silenceMs: 130,
    connectTimeoutMs: 4000,
    onOrdered: () => undefined,
    onChange: () => undefined,
    onWaiting: () => undefined,
    onStranded: () => undefined,
  });
  await peer.keys.add(keyCertificate);
  socket.on('frame', (frame) => peer.handle(frame));
  const fragmenter = new Fragmenter(streamId, 0, signer);
  let count = 0;
  const timer = setInterval(() => {
    const key = count++ % 30 === 0;
    const data = new Uint8Array(key ? 20_000 : 2700).map(() => Math.random() * 256);
    const config = key ? { config: new TextEncoder().encode('{"codec":"vp8"}') } : {};
    void fragmenter.cut({ key, audio: false, timestampUs: Date.now() * 1000, data, ...config }).then((chunks) => chunks.forEach((bytes) => peer.publish(bytes)));
  }, 33);
  return {
    peer,
    peerId,
    nextSequence: () => fragmenter.nextSequence,
    stop: () => {
      clearInterval(timer);
      peer.close();
      socket.close();
    },
  };
}

/** A viewer that plays nothing, and notes what it would have played. */
export async function watch(hub: Hub, make: RtcFactory = rtc) {
  const context = contextOf(hub, make);
  const sequences: number[] = [];
  let at = 0;
  let longestBreakMs = 0;
  const stream = new ViewerStream(context, {
    streamId: hub.streamId,
    uplinkMbps: 100,
    silenceMs: 130,
    connectTimeoutMs: 4000,
    onChunk: ({ sequence }) => {
      const now = performance.now();
      if (at > 0) longestBreakMs = Math.max(longestBreakMs, now - at);
      at = now;
      sequences.push(sequence);
    },
    bufferMs: () => 0,
    onFault: () => undefined,
    onChange: () => undefined,
    onWaiting: () => undefined,
    onEnded: () => undefined,
    onResumed: () => undefined,
    onFailed: () => undefined,
  });
  await stream.join();
  return {
    stream,
    peerId: stream.peer!.peerId,
    parent: () => stream.peer!.parents[0]?.keeper.feedingPeerId,
    sequences,
    /** What is missing between the first and the last chunk. */
    missing: () => sequences.slice(1).flatMap((sequence, index) => (sequence === sequences[index]! + 1 ? [] : [sequence])),
    /** The last wait counts, though nothing has ended it yet. */
    longestBreakMs: () => Math.max(longestBreakMs, performance.now() - at),
    forgetBreaks: () => (longestBreakMs = 0),
    stop: () => {
      stream.leave();
      context.socket.close();
    },
  };
}

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
