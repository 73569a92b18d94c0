import type { Fragmenter, MediaFrame } from './fragmenter';
import type { Bytes } from './header';

/**
 * Deals the frames of a stream over its stripes, whole and in turn, so that no stripe is silent for longer than the others take. The key frames, the
 * largest, go to one stripe after the other: all carry the same in the long run.
 */
export class Dealer {
  #group = -1;
  #inGroup = 0;
  /** Stripes in which the present group of pictures has not begun. */
  readonly #toBegin = new Set<number>();

  /** @param stripes One fragmenter per stripe, from stripe 0. */
  constructor(private readonly stripes: readonly Fragmenter[]) {}

  cut(frame: MediaFrame): Promise<Bytes[]> {
    const startsGroup = frame.key && !frame.audio;
    if (startsGroup) {
      this.#group += 1;
      this.#inGroup = 0;
      this.stripes.forEach((_, stripe) => this.#toBegin.add(stripe));
    }
    const stripe = (Math.max(0, this.#group) + this.#inGroup++) % this.stripes.length;
    const isFirst = this.#toBegin.delete(stripe);
    // A key frame says so by itself.
    return this.stripes[stripe]!.cut(isFirst && !startsGroup ? { ...frame, group: true } : frame);
  }
}
