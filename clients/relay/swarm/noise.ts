import { randomFillSync } from 'node:crypto';
import type { RtcFactory, TokenProvider } from 'beacon-client';
import { Fragmenter } from '../../web/packages/beacon-client/src/chunks/fragmenter';
import { FrameSigner } from '../../web/packages/beacon-client/src/chunks/signing';
import { Reporter } from '../../web/packages/beacon-client/src/mesh/reporter';
import { StreamPeer } from '../../web/packages/beacon-client/src/mesh/streamPeer';
import { contextOf } from './context';

export interface NoiseOptions {
  url: string;
  token: TokenProvider;
  rtc: RtcFactory;
  bitrateKbps: number;
  framesPerSecond: number;
  maxChildren: number;
}

/** A key frame is so many times as large as the others. */
const KEY_FRAME_WEIGHT = 7;

/** A broadcaster whose pictures are noise: a key frame every second, at three quarters of the bitrate, signed like real ones, and stamped with when they were made. */
export async function broadcastNoise({ url, token, rtc, bitrateKbps, framesPerSecond, maxChildren }: NoiseOptions) {
  const context = contextOf(url, token, rtc);
  const { socket } = context;
  const signer = await FrameSigner.create();
  await socket.ready(context.readyTimeoutMs);
  const answer = await socket.request({
    case: 'goLive',
    value: { title: 'Noise', bitrateKbps, uplinkMbps: 100, maxChildren, signingKeyJwk: signer.publicJwk, ticketMac: true },
  });
  if (answer.case !== 'streamLive') throw new Error(`answered ${answer.case}`);
  const { streamId, peerId, keyCertificate, ticketKey } = answer.value;
  const peer = new StreamPeer({
    socket,
    streamId,
    peerId,
    bitrateKbps,
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
  peer.takeTicketKey(ticketKey);
  await peer.keys.add(keyCertificate);
  socket.on('frame', (frame) => peer.handle(frame));
  const reporter = new Reporter({ socket, peer, intervalMs: socket.welcome?.reportIntervalMs || 2000, seated: () => true, latencyMs: () => Promise.resolve(0), bufferMs: () => 0, uplinkMbps: () => 100 });
  const fragmenter = new Fragmenter(streamId, 0, signer);
  const frameBytes = (0.75 * bitrateKbps * 125) / (framesPerSecond - 1 + KEY_FRAME_WEIGHT);
  let count = 0;
  let bytesPublished = 0;
  const publish = (bytes: Uint8Array<ArrayBuffer>) => {
    bytesPublished += bytes.length;
    const { chunk, digest } = peer.publish(bytes);
    void digest?.then((value) => socket.send({ case: 'chunkDigests', value: { streamId, digests: [{ stripe: 0, sequence: chunk.sequence, digest: value }] } }));
  };
  const timer = setInterval(() => {
    const key = count++ % framesPerSecond === 0;
    const data = randomFillSync(new Uint8Array(Math.round(frameBytes * (key ? KEY_FRAME_WEIGHT : 1))));
    const config = key ? { config: new TextEncoder().encode('{"codec":"vp8"}') } : {};
    const timestampUs = Math.round((performance.timeOrigin + performance.now()) * 1000);
    void fragmenter.cut({ key, audio: false, timestampUs, data, ...config }).then((chunks) => chunks.forEach(publish));
  }, 1000 / framesPerSecond);
  return {
    peer,
    peerId,
    streamId,
    nextSequence: () => fragmenter.nextSequence,
    bytesPublished: () => bytesPublished,
    stop: () => {
      clearInterval(timer);
      reporter.close();
      peer.close();
      socket.close();
    },
  };
}
