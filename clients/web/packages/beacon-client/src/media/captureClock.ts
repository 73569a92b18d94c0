import { epochUs } from '../clock';

/**
 * Maps the timestamps of a track, whose origin is the browser's own affair, to the Unix epoch. The smallest difference ever
 * seen is the one with the least delay in it. Timestamps stay strictly increasing, as decoders want them.
 */
export class CaptureClock {
  #offsetUs = Number.POSITIVE_INFINITY;
  #last = 0;

  constructor(private readonly now: () => number = epochUs) {}

  /** Another track begins, whose timestamps count from elsewhere. */
  restart(): void {
    this.#offsetUs = Number.POSITIVE_INFINITY;
  }

  toEpochUs(timestampUs: number): number {
    this.#offsetUs = Math.min(this.#offsetUs, this.now() - timestampUs);
    this.#last = Math.max(this.#last + 1, Math.round(timestampUs + this.#offsetUs));
    return this.#last;
  }
}
