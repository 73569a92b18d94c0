import type { MediaFrame } from './fragmenter';
import type { Bytes, Chunk } from './header';
import { FrameMerger } from './merger';

/** Joins the fragments of one stripe to frames. Takes chunks in order; what a hole has left incomplete is dropped. */
class StripeAssembler {
  #parts: Chunk[] = [];
  #expected: number | undefined;

  constructor(
    private readonly deliver: (frame: MediaFrame) => void,
    private readonly onHole: () => void,
  ) {}

  push(chunk: Chunk): void {
    if (this.#expected !== undefined && chunk.sequence !== this.#expected) {
      this.#parts = [];
      this.onHole();
    }
    this.#expected = chunk.sequence + 1;
    if (chunk.fragmentIndex === 0) this.#parts = [];
    if (chunk.fragmentIndex !== this.#parts.length || !this.#continues(chunk)) {
      this.#parts = [];
      return;
    }
    this.#parts.push(chunk);
    if (this.#parts.length === chunk.fragmentCount) this.#complete();
  }

  #continues(chunk: Chunk): boolean {
    const first = this.#parts[0];
    return (
      !first ||
      (first.timestampUs === chunk.timestampUs &&
        first.fragmentCount === chunk.fragmentCount &&
        first.audio === chunk.audio &&
        first.key === chunk.key)
    );
  }

  #complete(): void {
    const parts = this.#parts;
    this.#parts = [];
    const first = parts[0]!;
    this.deliver({
      key: first.key,
      audio: first.audio,
      timestampUs: first.timestampUs,
      ...(first.config ? { config: first.config } : {}),
      data: parts.length === 1 ? first.payload : join(parts),
    });
  }
}

/**
 * Makes the frames of a stream out of the chunks of all its stripes. After a hole in any of them pictures are dropped up to the next key frame, because they refer to what is
 * missing. Audio packets stand alone and go on at once.
 */
export class FrameAssembler {
  readonly #stripes = new Map<number, StripeAssembler>();
  readonly #merger: FrameMerger;
  #needsKey = true;
  #nowMs = 0;

  constructor(deliver: (frame: MediaFrame) => void) {
    this.#merger = new FrameMerger((frame) => {
      if (!frame.audio) {
        if (this.#needsKey && !frame.key) return;
        this.#needsKey = false;
      }
      deliver(frame);
    });
  }

  /** The stream has this stripe: frames wait for those that it may hold. */
  expect(stripe: number): void {
    this.#merger.expect(stripe);
  }

  /** The chunks of each stripe come in order. */
  push(chunk: Chunk, nowMs: number): void {
    const { stripe } = chunk;
    let assembler = this.#stripes.get(stripe);
    if (!assembler) {
      assembler = new StripeAssembler(
        (frame) => this.#merger.push(stripe, frame, this.#nowMs),
        () => (this.#needsKey = true),
      );
      this.#stripes.set(stripe, assembler);
    }
    this.#nowMs = nowMs;
    assembler.push(chunk);
  }

  /** Called regularly: what has waited long enough for another stripe goes on. */
  tick(nowMs: number): void {
    this.#merger.tick(nowMs);
  }
}

function join(parts: readonly Chunk[]): Bytes {
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.payload.length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part.payload, offset);
    offset += part.payload.length;
  }
  return data;
}
