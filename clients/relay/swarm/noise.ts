import { randomFillSync } from 'node:crypto';
import type { RtcFactory, TokenProvider } from 'beacon-client';
import { Fragmenter } from '../../web/packages/beacon-client/src/chunks/fragmenter';
import { FrameSigner } from '../../web/packages/beacon-client/src/chunks/signing';
import { BeaconError } from '../../web/packages/beacon-client/src/errors';
import { Reporter } from '../../web/packages/beacon-client/src/mesh/reporter';
import { StreamPeer } from '../../web/packages/beacon-client/src/mesh/streamPeer';
import { enterStream } from '../../web/packages/beacon-client/src/session';
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
  const abort = new AbortController();
  let peer: StreamPeer | undefined;
  let resumeTicket = '';
  let seatedIn: string | undefined;
  let entries = 0;
  const enter = async (resuming: boolean) => {
    const entry = ++entries;
    const live = await enterStream(
      async () => {
        if (!resuming) await socket.ready(context.readyTimeoutMs);
        if (entry !== entries) throw new BeaconError('closed', 'A newer session took over.');
        peer?.sessionRenewed();
        return await socket.request({
          case: 'goLive',
          value: { title: 'Noise', bitrateKbps, uplinkMbps: 100, maxChildren, resumeTicket, signingKeyJwk: signer.publicJwk, ticketMac: true },
        });
      },
      'streamLive',
      resuming,
      abort.signal,
    );
    ({ resumeTicket } = live);
    seatedIn = socket.welcome?.sessionId;
    return live;
  };
  const { streamId, peerId, keyCertificate, ticketKey } = await enter(false);
  const root = (peer = new StreamPeer({
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
  }));
  root.takeTicketKey(ticketKey);
  await root.keys.add(keyCertificate);
  socket.on('frame', (frame) => root.handle(frame));
  // A session that is lost is taken up again, as the SDK's broadcast does; what goes wrong then ends the process with it.
  socket.on('welcome', () => {
    void enter(true).then(
      (live) => root.takeTicketKey(live.ticketKey),
      (error) => {
        if (!['disconnected', 'closed'].includes(BeaconError.from(error).reason)) throw error;
      },
    );
  });
  const reporter = new Reporter({ socket, peer: root, intervalMs: socket.welcome?.reportIntervalMs || 2000, seated: () => socket.welcome?.sessionId === seatedIn, latencyMs: () => Promise.resolve(0), bufferMs: () => 0, uplinkMbps: () => 100 });
  const fragmenter = new Fragmenter(streamId, 0, signer);
  const frameBytes = (0.75 * bitrateKbps * 125) / (framesPerSecond - 1 + KEY_FRAME_WEIGHT);
  let count = 0;
  let bytesPublished = 0;
  const publish = (bytes: Uint8Array<ArrayBuffer>) => {
    bytesPublished += bytes.length;
    const { chunk, digest } = root.publish(bytes);
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
    peer: root,
    peerId,
    streamId,
    nextSequence: () => fragmenter.nextSequence,
    bytesPublished: () => bytesPublished,
    stop: () => {
      clearInterval(timer);
      abort.abort(new BeaconError('closed', 'The broadcast was stopped.'));
      reporter.close();
      root.close();
      socket.close();
    },
  };
}
