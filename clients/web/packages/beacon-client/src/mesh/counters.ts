export interface EdgeCount {
  readonly peerId: string;
  readonly stripe: number;
  readonly bytes: number;
  readonly chunks: number;
}

/**
 * Bytes and chunks per neighbour and stripe, cumulative since the stream was joined. They only grow, also when the same
 * neighbour comes back: a report that is lost or repeated then changes nothing.
 */
export class EdgeCounters {
  readonly #counts = new Map<string, EdgeCount>();
  #totalBytes = 0;

  constructor(private readonly maxEntries = 64) {}

  get totalBytes(): number {
    return this.#totalBytes;
  }

  add(peerId: string, stripe: number, bytes: number, chunks = 1): void {
    const key = `${stripe}/${peerId}`;
    const former = this.#counts.get(key);
    // Deleting first keeps the map ordered by last use, so that the entry that is dropped is the one unused for longest.
    this.#counts.delete(key);
    this.#counts.set(key, {
      peerId,
      stripe,
      bytes: (former?.bytes ?? 0) + bytes,
      chunks: (former?.chunks ?? 0) + chunks,
    });
    this.#totalBytes += bytes;
    if (this.#counts.size > this.maxEntries) this.#counts.delete(this.#counts.keys().next().value!);
  }

  list(): EdgeCount[] {
    return [...this.#counts.values()];
  }
}
