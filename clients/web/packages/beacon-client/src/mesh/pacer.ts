/** A refill of this long may be sent at once: about a tick and a half. */
const BURST_SECONDS = 0.03;
const MIN_BURST_BYTES = 16 * 1024;

/**
 * A token bucket that all children of a peer share. A link that is filled to the brim delays everything behind the brim, for seconds where routers buffer much,
 * so what is sent stays below what the link was seen to carry.
 */
export class Pacer {
  #tokens = 0;
  #at: number | undefined;
  #bytesPerSecond: number;
  #refusedAt = Number.NEGATIVE_INFINITY;

  constructor(
    bytesPerSecond: number,
    /** Milliseconds. */
    private readonly now: () => number,
  ) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  set bytesPerSecond(rate: number) {
    this.#refill();
    this.#bytesPerSecond = rate;
  }

  /** When something last had to wait, in milliseconds. */
  get refusedAt(): number {
    return this.#refusedAt;
  }

  /** True when this may be sent now. What is sent last may overdraw the bucket, so that a large message is never stuck. */
  take(bytes: number): boolean {
    this.#refill();
    if (this.#tokens <= 0) {
      this.#refusedAt = this.now();
      return false;
    }
    this.#tokens -= bytes;
    return true;
  }

  #refill(): void {
    const now = this.now();
    const burst = Math.max(MIN_BURST_BYTES, this.#bytesPerSecond * BURST_SECONDS);
    const grown = this.#at === undefined ? burst : ((now - this.#at) / 1000) * this.#bytesPerSecond;
    this.#at = now;
    this.#tokens = Math.min(burst, this.#tokens + grown);
  }
}
