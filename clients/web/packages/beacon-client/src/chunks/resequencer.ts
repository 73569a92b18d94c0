import type { Chunk } from './header';

export interface ResequencerOptions {
  /** How long a hole is waited for, in milliseconds, before playback goes on behind it. */
  patienceMs?: number;
  /** The most chunks that wait behind a hole. */
  maxHeld?: number;
}

/**
 * Puts the chunks of one stripe in order for playback. Holes arise while two parents overlap; a hole that a parent declared
 * unservable, or that is not filled in time, is passed over.
 */
export class Resequencer {
  readonly #patienceMs: number;
  readonly #maxHeld: number;
  readonly #held = new Map<number, Chunk>();
  #next: number | undefined;
  #missed = 0;
  #holeSince: number | undefined;

  constructor(
    private readonly deliver: (chunk: Chunk) => void,
    { patienceMs = 500, maxHeld = 4096 }: ResequencerOptions = {},
  ) {
    this.#patienceMs = patienceMs;
    this.#maxHeld = maxHeld;
  }

  /** The sequence number that is missed next: what to ask a new parent for. Undefined before the first chunk. */
  get nextSequence(): number | undefined {
    return this.#next;
  }

  /** Chunks that playback went on without. */
  get missed(): number {
    return this.#missed;
  }

  push(chunk: Chunk, nowMs: number): void {
    this.#next ??= chunk.sequence;
    if (chunk.sequence < this.#next) return;
    this.#held.set(chunk.sequence, chunk);
    this.#drain(nowMs);
    if (this.#held.size > this.#maxHeld) this.#skipHole(nowMs);
  }

  /** A parent said that it cannot serve these. */
  giveUp(from: number, to: number, nowMs: number): void {
    if (this.#next === undefined || this.#next < from || this.#next > to) return;
    this.#missed += to + 1 - this.#next;
    this.#next = to + 1;
    for (const sequence of this.#held.keys()) if (sequence < this.#next) this.#held.delete(sequence);
    this.#drain(nowMs);
  }

  /** Called regularly: passes over a hole that has been waited for long enough. */
  tick(nowMs: number): void {
    if (this.#holeSince !== undefined && nowMs - this.#holeSince >= this.#patienceMs) this.#skipHole(nowMs);
  }

  #skipHole(nowMs: number): void {
    if (this.#held.size === 0) return;
    const goOnAt = Math.min(...this.#held.keys());
    this.#missed += goOnAt - this.#next!;
    this.#next = goOnAt;
    this.#drain(nowMs);
  }

  #drain(nowMs: number): void {
    let delivered = false;
    for (;;) {
      const chunk = this.#next === undefined ? undefined : this.#held.get(this.#next);
      if (!chunk) break;
      this.#held.delete(chunk.sequence);
      this.#next = chunk.sequence + 1;
      delivered = true;
      this.deliver(chunk);
    }
    if (this.#held.size === 0) this.#holeSince = undefined;
    else if (delivered || this.#holeSince === undefined) this.#holeSince = nowMs;
  }
}
