import type { MediaFrame } from '../chunks/fragmenter';
import { epochUs } from '../clock';

/** How fast the quickest frame is forgotten, in microseconds a frame: routes and clocks change. */
const FORGET_US = 5;

/** What it needs of the machine, so that a test can bring its own. */
export interface PlayoutClock {
  nowUs: () => number;
  /** Returns what calls it off. */
  after: (ms: number, run: () => void) => () => void;
}

const REAL_CLOCK: PlayoutClock = { nowUs: epochUs, after: startTimer };

function startTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/**
 * Holds frames back until they are as old as the quickest frame was on its way, and the delay more. Without a delay each goes on as it comes. Frames
 * are held before they are decoded, because decoded pictures are few and dear.
 */
export class Playout {
  #delayMs = 0;
  #quickestUs = Number.POSITIVE_INFINITY;
  readonly #held: { frame: MediaFrame; earliestUs: number }[] = [];
  #callOff: (() => void) | undefined;

  constructor(
    private readonly play: (frame: MediaFrame) => void,
    private readonly clock: PlayoutClock = REAL_CLOCK,
  ) {}

  get delayMs(): number {
    return this.#delayMs;
  }

  set delayMs(delayMs: number) {
    this.#delayMs = delayMs;
    this.#playDue();
  }

  close(): void {
    this.#callOff?.();
    this.#held.length = 0;
  }

  push(frame: MediaFrame): void {
    const nowUs = this.clock.nowUs();
    this.#quickestUs = Math.min(this.#quickestUs + FORGET_US, nowUs - frame.timestampUs);
    if (this.#delayMs === 0 && this.#held.length === 0) return this.play(frame);
    this.#held.push({ frame, earliestUs: frame.timestampUs + this.#quickestUs });
    this.#playDue();
  }

  /** In order: a frame never overtakes one that came before it. */
  #playDue(): void {
    this.#callOff?.();
    for (;;) {
      const next = this.#held[0];
      if (!next) return;
      const earlyUs = this.#delayMs === 0 ? 0 : next.earliestUs + this.#delayMs * 1000 - this.clock.nowUs();
      if (earlyUs > 0) {
        this.#callOff = this.clock.after(earlyUs / 1000, () => this.#playDue());
        return;
      }
      this.#held.shift();
      this.play(next.frame);
    }
  }
}
