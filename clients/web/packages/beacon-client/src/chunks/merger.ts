import type { MediaFrame } from './fragmenter';

export interface FrameMergerOptions {
  /** How long a frame waits for the stripes that may hold earlier ones, in milliseconds. */
  patienceMs?: number;
  /** The most frames that wait. */
  maxHeld?: number;
}

/**
 * Brings the frames of several stripes into one order. A frame may go on when every stripe has delivered something at least as late, because each stripe is in
 * order in itself; a stripe that says nothing is waited for no longer than the patience.
 */
export class FrameMerger {
  readonly #patienceMs: number;
  readonly #maxHeld: number;
  /** Per stripe the time of its newest frame, in microseconds of capture. */
  readonly #newestUs = new Map<number, number>();
  readonly #held: { frame: MediaFrame; arrivedAt: number }[] = [];

  constructor(
    private readonly deliver: (frame: MediaFrame) => void,
    { patienceMs = 250, maxHeld = 256 }: FrameMergerOptions = {},
  ) {
    this.#patienceMs = patienceMs;
    this.#maxHeld = maxHeld;
  }

  /** This stripe belongs to the stream: its frames are waited for. */
  expect(stripe: number): void {
    if (!this.#newestUs.has(stripe)) this.#newestUs.set(stripe, Number.NEGATIVE_INFINITY);
  }

  push(stripe: number, frame: MediaFrame, nowMs: number): void {
    this.#newestUs.set(stripe, Math.max(frame.timestampUs, this.#newestUs.get(stripe) ?? 0));
    if (this.#newestUs.size === 1) return this.deliver(frame);
    // Nearly always at the end; frames of one time keep their order.
    let at = this.#held.length;
    while (at > 0 && this.#held[at - 1]!.frame.timestampUs > frame.timestampUs) at -= 1;
    this.#held.splice(at, 0, { frame, arrivedAt: nowMs });
    this.tick(nowMs);
  }

  /** Called regularly. */
  tick(nowMs: number): void {
    const completeUs = Math.min(...this.#newestUs.values());
    for (let first = this.#held[0]; first; first = this.#held[0]) {
      const isNext = first.frame.timestampUs <= completeUs || this.#held.length > this.#maxHeld;
      if (!isNext && nowMs - first.arrivedAt < this.#patienceMs) return;
      this.#held.shift();
      this.deliver(first.frame);
    }
  }
}
