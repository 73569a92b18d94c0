import { startsGroup, type Chunk } from './header';

export interface GopCacheOptions {
  /** Groups of pictures that are kept, the current one included. */
  groups?: number;
  maxBytes?: number;
}

/**
 * The last groups of pictures of one stripe, by sequence number. It feeds newcomers and answers `from`, and because it
 * holds everything above its floor it also tells whether a chunk has been seen before.
 */
export class GopCache {
  readonly #groups: number;
  readonly #maxBytes: number;
  #chunks: Chunk[] = [];
  #groupStarts: number[] = [];
  #bytes = 0;
  /** Everything below was evicted: not known to be new any more. */
  #floor = 0;

  constructor({ groups = 3, maxBytes = 32 * 1024 * 1024 }: GopCacheOptions = {}) {
    this.#groups = groups;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get newestSequence(): number | undefined {
    return this.#chunks.at(-1)?.sequence;
  }

  /** Where the current group of pictures begins, undefined before the first key frame. */
  get currentGroupStart(): number | undefined {
    return this.#groupStarts.at(-1);
  }

  /** False, and nothing changes, when the chunk was seen before or is older than everything kept. */
  add(chunk: Chunk): boolean {
    if (chunk.sequence < this.#floor) return false;
    const at = this.#indexOf(chunk.sequence);
    if (this.#chunks[at]?.sequence === chunk.sequence) return false;
    this.#chunks.splice(at, 0, chunk);
    this.#bytes += chunk.bytes.length;
    if (startsGroup(chunk)) {
      this.#groupStarts.push(chunk.sequence);
      this.#groupStarts.sort((a, b) => a - b);
    }
    this.#evict();
    return true;
  }

  /** Everything below has been evicted. */
  get floor(): number {
    return this.#floor;
  }

  /** The kept chunk with this sequence number. */
  get(sequence: number): Chunk | undefined {
    const chunk = this.firstFrom(sequence);
    return chunk?.sequence === sequence ? chunk : undefined;
  }

  /** The first kept chunk with this sequence number or a larger one. */
  firstFrom(sequence: number): Chunk | undefined {
    return this.#chunks[this.#indexOf(sequence)];
  }

  /** All kept chunks from this sequence number on, in order. */
  from(sequence: number): readonly Chunk[] {
    return this.#chunks.slice(this.#indexOf(sequence));
  }

  #evict(): void {
    const firstKept = this.#groupStarts.at(-this.#groups);
    if (firstKept !== undefined && this.#groupStarts.length >= this.#groups) this.#dropBelow(firstKept);
    while (this.#bytes > this.#maxBytes && this.#chunks.length > 1) {
      this.#dropBelow(this.#chunks[0]!.sequence + 1);
    }
  }

  #dropBelow(sequence: number): void {
    const count = this.#indexOf(sequence);
    for (const chunk of this.#chunks.splice(0, count)) this.#bytes -= chunk.bytes.length;
    this.#groupStarts = this.#groupStarts.filter((start) => start >= sequence);
    this.#floor = Math.max(this.#floor, sequence);
  }

  /** Index of the first chunk at or above the sequence number. Live chunks come in order, so the end is tried first. */
  #indexOf(sequence: number): number {
    const newest = this.newestSequence;
    if (newest === undefined || sequence > newest) return this.#chunks.length;
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#chunks[middle]!.sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
