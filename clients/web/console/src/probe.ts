import { readCanvasBarcode, type BeaconClient, type Broadcast, type VideoSink, type Watch } from 'beacon-client';

/** What end-to-end tests read through `window.beacon`. Plain JSON values only, so that it crosses any automation protocol. */
export interface Probe {
  session: Broadcast | Watch;
  stats: () => Record<string, unknown>;
  /** The longest time without a new picture since this was asked last, in milliseconds; the wait that is not over counts too. */
  takeLongestBreak?: () => number;
}

/** Notes how long each picture was waited for. */
export class BreakRecorder implements VideoSink {
  #drawnAt: number | undefined;
  #longestMs = 0;

  constructor(private readonly sink: VideoSink) {}

  draw(frame: VideoFrame): void {
    this.sink.draw(frame);
    this.#wait();
    this.#drawnAt = performance.now();
  }

  take(): number {
    this.#wait();
    const longest = this.#longestMs;
    this.#longestMs = 0;
    return longest;
  }

  #wait(): void {
    if (this.#drawnAt !== undefined) this.#longestMs = Math.max(this.#longestMs, performance.now() - this.#drawnAt);
  }
}

declare global {
  interface Window {
    beacon?: Probe;
  }
}

export function exposeWatch(client: BeaconClient, watch: Watch, canvas: HTMLCanvasElement, breaks: BreakRecorder, balance: () => bigint | undefined): void {
  window.beacon = {
    session: watch,
    takeLongestBreak: () => breaks.take(),
    stats: () => {
      const { parents, lastFrameAgeMs, ...stats } = watch.stats();
      const barcode = stats.framesDecoded > 0 ? readCanvasBarcode(canvas) : undefined;
      return {
        role: 'viewer',
        state: watch.state,
        ...stats,
        ...parentIds(parents),
        lastFrameAgeMs: lastFrameAgeMs ?? null,
        lastFrameNumber: barcode?.frameNumber ?? null,
        lastFrameCaptureMs: barcode?.captureMs ?? null,
        balanceMicrocredits: balance()?.toString() ?? null,
        connection: client.connection,
        accessToken: client.accessToken ?? null,
      };
    },
  };
}

export function exposeBroadcast(client: BeaconClient, broadcast: Broadcast, frameNumber: () => number | undefined): void {
  window.beacon = {
    session: broadcast,
    stats: () => {
      const { parents, ...stats } = broadcast.stats();
      return {
        role: 'broadcaster',
        state: broadcast.state,
        ...stats,
        ...parentIds(parents),
        lastFrameNumber: frameNumber() ?? null,
        connection: client.connection,
        accessToken: client.accessToken ?? null,
      };
    },
  };
}

export function hide(): void {
  delete window.beacon;
}

function parentIds(parents: ReturnType<Watch['stats']>['parents']) {
  const first = parents.find(({ stripe }) => stripe === 0);
  return {
    parents: parents.map((parent) => ({ ...parent, depth: parent.depth ?? null })),
    parentPeerId: first?.parentPeerId ?? null,
    assignedPeerId: first?.assignedPeerId ?? null,
    standbyPeerId: first?.standbyPeerId ?? null,
    depth: first?.depth ?? null,
  };
}
