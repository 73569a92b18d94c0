/** What a parent can be left for. */
export type Misdeed = 'bad_chunk' | 'replay' | 'loss' | 'silence';


/** The same chunk again, unasked, this often is no accident any more. */
const MAX_REPEATS = 8;
/** Announced gaps are normal now and then: a key frame came, a cache ran out. */
const MAX_GAPS = 5;
const GAP_SPAN_MS = 10_000;
/** Further fragments whose first one never came. */
const MAX_UNKNOWN = 400;
/** Chunks below the newest that are remembered. */
const REMEMBERED = 4096;

/**
 * Watches what one connected parent sends. The channel is ordered and reliable and a parent announces what it leaves out, so a jump that was not announced, and a chunk
 * that comes twice without having been asked for again, are the parent's doing.
 */
export class Conduct {
  /** How often each chunk came. */
  readonly #seen = new Map<number, number>();
  /** How often it was asked to go on from somewhere. */
  #asks = 0;
  readonly #gaps: number[] = [];
  #expected: number | undefined;
  #mayJumpTo: number | undefined;
  #repeats = 0;
  #unknown = 0;

  /** It was asked to go on from there, or from where a group begins: from here on it may send everything again. */
  asked(from: number | undefined): void {
    this.#asks += 1;
    this.#expected = undefined;
    this.#mayJumpTo = from;
  }

  /** @returns what it has to be left for, or `repeat` for a chunk that it has sent already. */
  chunk(sequence: number): Misdeed | 'repeat' | undefined {
    const expected = this.#expected ?? sequence;
    if (sequence > expected) {
      // Chunks from before it was asked may still have been under way.
      if (this.#mayJumpTo !== sequence) return 'loss';
      this.#mayJumpTo = undefined;
    }
    const times = (this.#seen.get(sequence) ?? 0) + 1;
    // Once for each time it was asked: what was under way when it was asked again comes again.
    if (sequence < expected - REMEMBERED || times > Math.max(1, this.#asks)) return ++this.#repeats > MAX_REPEATS ? 'replay' : 'repeat';
    this.#seen.set(sequence, times);
    this.#seen.delete(sequence - REMEMBERED);
    this.#expected = Math.max(expected, sequence + 1);
    return undefined;
  }

  gap(from: number, to: number, now: number): Misdeed | undefined {
    // Before its first chunk it says what it no longer has.
    const isFirst = this.#expected === undefined;
    this.#expected = Math.max(this.#expected ?? 0, to + 1);
    if (isFirst || to < from) return undefined;
    this.#gaps.push(now);
    while (this.#gaps[0]! < now - GAP_SPAN_MS) this.#gaps.shift();
    return this.#gaps.length > MAX_GAPS ? 'loss' : undefined;
  }

  unknown(): Misdeed | undefined {
    return ++this.#unknown > MAX_UNKNOWN ? 'bad_chunk' : undefined;
  }
}
