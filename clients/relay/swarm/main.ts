import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { BeaconApi } from 'beacon-client';
import { guestTokens } from '../src/donor';
import { nodeRtc } from '../src/rtc';
import { listen } from './listener';
import { broadcastNoise } from './noise';

// One process of `Beacon.Swarm -- media`: the broadcaster, or some viewers. Commands are lines on standard input, each answered by one line of JSON.

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: 'string', default: '1' },
    uplink: { type: 'string', default: '1' },
    bitrate: { type: 'string', default: '300' },
    fps: { type: 'string', default: '15' },
    children: { type: 'string', default: '2' },
  },
});
const [role, url = '', streamId = ''] = positionals;
const rtc = nodeRtc('127.0.0.1');
const token = () => guestTokens(new BeaconApi(url), 'Swarm');
/** Whoever measures pauses must know of its own. */
const delays = monitorEventLoopDelay({ resolution: 20 });
delays.enable();
const paused = () => ({ ms: delays.max / 1e6 });
const say = (value: unknown) => console.log(JSON.stringify(value));

const answers = role === 'root' ? await root() : await viewers();
for await (const line of createInterface(process.stdin)) say(answers[line]?.() ?? { error: `no command “${line}”` });
// Native threads of the WebRTC library would keep the process alive.
process.exit();

async function root(): Promise<Record<string, () => unknown>> {
  const noise = await broadcastNoise({ url, token: token(), rtc, bitrateKbps: Number(values.bitrate), framesPerSecond: Number(values.fps), maxChildren: Number(values.children) });
  say({ peerId: noise.peerId, streamId: noise.streamId });
  return {
    forget: () => (delays.reset(), {}),
    paused,
    stats: () => ({ bytesPublished: noise.bytesPublished(), bytesSent: noise.peer.bytesRelayed, children: noise.peer.children.filter(({ active }) => active).length }),
  };
}

async function viewers(): Promise<Record<string, () => unknown>> {
  const peers: Awaited<ReturnType<typeof listen>>[] = [];
  // One after the other, as people come; all at once would only measure this process.
  for (let count = Number(values.peers); count > 0; count--) peers.push(await listen({ url, streamId, token: token(), rtc, uplinkMbps: Number(values.uplink) }));
  say({ peerIds: peers.map(({ peerId }) => peerId) });
  return {
    begin: () => (peers.forEach((peer) => peer.beginAnew()), {}),
    forget: () => (delays.reset(), peers.forEach((peer) => peer.forgetBreaks()), {}),
    paused,
    stats: () =>
      peers.map((peer) => ({
        peerId: peer.peerId,
        parent: peer.parent() ?? '',
        chunks: Math.max(0, peer.sequences().length - 1),
        span: (peer.sequences().at(-1) ?? 0) - (peer.sequences()[0] ?? 0),
        bytesPlayed: peer.bytesPlayed(),
        bytesReceived: peer.stream.peer!.receipts.list().reduce((sum, { bytes }) => sum + bytes, 0),
        longestBreakMs: peer.longestBreakMs(),
        latencyMs: [...peer.latenciesMs()].sort((a, b) => a - b)[peer.latenciesMs().length >> 1] ?? 0,
      })),
  };
}
