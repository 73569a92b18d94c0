import type { Chunk } from './header';
import { digestOf, promisedDigest, sameBytes } from './signing';

/**
 * `bad`: not what the broadcaster sent. `unknown`: a further fragment of a frame whose first one was not seen; it is of no use, but nobody's fault.
 */
export type Verdict = 'good' | 'bad' | 'unknown';

interface Signed {
  readonly first: Chunk;
  readonly verdict: Promise<Verdict>;
}

/** First chunks that claim the same place: one parent each, and at most a few parents overlap. */
const MAX_CANDIDATES = 4;

/** Tells the chunks of the broadcaster from all others, each as it comes: a frame's first chunk vouches for the rest of it. */
export class ChunkVerifier {
  readonly #frames = new Map<string, Signed[]>();

  constructor(
    private readonly signed: (first: Chunk) => Promise<boolean>,
    private readonly keep = 512,
  ) {}

  async check(chunk: Chunk): Promise<Verdict> {
    const key = `${chunk.stripe}/${chunk.sequence - chunk.fragmentIndex}`;
    return chunk.fragmentIndex === 0 ? await this.#first(chunk, key) : await this.#further(chunk, key);
  }

  #first(chunk: Chunk, key: string): Promise<Verdict> {
    const verdict = this.signed(chunk).then((good): Verdict => (good ? 'good' : 'bad'));
    if (chunk.fragmentCount === 1) return verdict;
    // A forged first chunk stands beside the true one and takes nothing away from it.
    const candidates = this.#frames.get(key) ?? [];
    candidates.push({ first: chunk, verdict });
    if (candidates.length > MAX_CANDIDATES) candidates.shift();
    this.#frames.set(key, candidates);
    while (this.#frames.size > this.keep) this.#frames.delete(this.#frames.keys().next().value!);
    return verdict;
  }

  async #further(chunk: Chunk, key: string): Promise<Verdict> {
    const digest = digestOf(chunk.bytes);
    let verdict: Verdict = 'unknown';
    for (const { first, verdict: signed } of [...(this.#frames.get(key) ?? [])]) {
      if ((await signed) !== 'good') continue;
      if (chunk.fragmentIndex < first.fragmentCount && sameBytes(await digest, promisedDigest(first, chunk.fragmentIndex))) return 'good';
      verdict = 'bad';
    }
    return verdict;
  }
}
