import { FaultKind } from '../gen/beacon/signaling/v1/frames_pb';
import type { SignalingSocket } from '../signaling/socket';
import type { Misdeed } from './conduct';
import type { StreamPeer } from './streamPeer';

export interface ReporterOptions {
  socket: SignalingSocket;
  peer: StreamPeer;
  intervalMs: number;
  /** False while the present session has not entered the stream: the server would refuse the report. */
  seated: () => boolean;
  /** Round trip to the parent (of the root: to the server) in milliseconds, 0 = unknown. */
  latencyMs: () => Promise<number>;
  bufferMs: () => number;
  /** What this machine can send by what it knows now, in Mbit/s. */
  uplinkMbps: () => number;
}

const FAULT_KINDS: Record<Misdeed, FaultKind> = {
  bad_chunk: FaultKind.BAD_CHUNK,
  replay: FaultKind.REPLAY,
  loss: FaultKind.LOSS,
  silence: FaultKind.SILENCE,
};

/** Sends `metrics-report`: what was received and sent per edge, and the answer to the window's challenge. */
export class Reporter {
  readonly #timer: ReturnType<typeof setInterval>;
  #lastBytes = 0;
  #lastAt = performance.now();

  constructor(private readonly options: ReporterOptions) {
    this.#timer = setInterval(() => void this.#report(), options.intervalMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #report(): Promise<void> {
    const { socket, peer, seated, latencyMs, bufferMs, uplinkMbps } = this.options;
    if (!seated()) return;
    const [answer, latency] = await Promise.all([peer.challenges.answer(peer.peerId), latencyMs()]);
    // The counters are cumulative, so a report that cannot be sent is made up for by the next one.
    socket.send({
      case: 'metricsReport',
      value: {
        streamId: peer.streamId,
        latencyMs: latency,
        uploadMbps: this.#takeUploadMbps(),
        uplinkMbps: uplinkMbps(),
        bufferMs: Math.max(0, Math.round(bufferMs())),
        receipts: peer.receipts.list().map(({ peerId, stripe, bytes, chunks }) => ({
          parentPeerId: peerId,
          stripe,
          bytes: BigInt(bytes),
          chunks: BigInt(chunks),
        })),
        claims: peer.claims().map(({ peerId, stripe, bytes }) => ({ childPeerId: peerId, stripe, bytes: BigInt(bytes) })),
        faults: peer.takeFaults().map(({ peerId, stripe, kind }) => ({ parentPeerId: peerId, stripe, kind: FAULT_KINDS[kind] })),
        ...(answer ? { answer } : {}),
      },
    });
  }

  #takeUploadMbps(): number {
    const now = performance.now();
    const bytes = this.options.peer.bytesRelayed;
    const megabits = ((bytes - this.#lastBytes) * 8) / 1_000_000;
    const seconds = (now - this.#lastAt) / 1000;
    this.#lastBytes = bytes;
    this.#lastAt = now;
    return seconds > 0 ? megabits / seconds : 0;
  }
}
