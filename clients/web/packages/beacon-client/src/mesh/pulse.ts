/** However uneven a link is, a parent of which nothing is heard for this long is lost. */
const MAX_LIMIT_MS = 1000;
/** A pause this much longer than the longest of late is no hiccup. */
const MARGIN = 1.25;
/** The longest pause counts half after this. */
const HALF_LIFE_MS = 3000;

/**
 * How regularly something is heard of a parent, and so from when on its silence means something. A machine under load, or a link that loses packets, pauses now and
 * then for a moment; whoever ran from each pause would run back and forth.
 */
export class Pulse {
  #last: number | undefined;
  #longest = 0;
  #longestAt = 0;

  beat(now: number): void {
    if (this.#last !== undefined) {
      const pause = now - this.#last;
      if (pause >= this.#remembered(now)) {
        this.#longest = pause;
        this.#longestAt = now;
      }
    }
    this.#last = now;
  }

  /** A pause begins or ends that says nothing about the link. */
  rest(): void {
    this.#last = undefined;
  }

  silentFor(now: number, since: number): number {
    return now - Math.max(this.#last ?? since, since);
  }

  limitMs(leastMs: number, now: number): number {
    // What was just asked needs a round trip before it can be heard.
    const least = this.#last === undefined ? MAX_LIMIT_MS : leastMs;
    return Math.min(MAX_LIMIT_MS, Math.max(least, MARGIN * this.#remembered(now)));
  }

  #remembered(now: number): number {
    return this.#longest * 2 ** (-(now - this.#longestAt) / HALF_LIFE_MS);
  }
}
