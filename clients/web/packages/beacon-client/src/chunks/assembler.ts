import type { MediaFrame } from './fragmenter';
import type { Bytes, Chunk } from './header';

/**
 * Joins fragments to frames. Takes chunks in order; after a hole it drops what cannot be completed, and pictures up to the
 * next key frame, because they refer to what is missing. Audio packets stand alone and go on at once.
 */
export class FrameAssembler {
  #parts: Chunk[] = [];
  #expected: number | undefined;
  #needsKey = true;

  constructor(private readonly deliver: (frame: MediaFrame) => void) {}

  push(chunk: Chunk): void {
    if (this.#expected !== undefined && chunk.sequence !== this.#expected) {
      this.#parts = [];
      this.#needsKey = true;
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
    if (!first.audio) {
      if (this.#needsKey && !first.key) return;
      this.#needsKey = false;
    }
    this.deliver({
      key: first.key,
      audio: first.audio,
      timestampUs: first.timestampUs,
      ...(first.config ? { config: first.config } : {}),
      data: parts.length === 1 ? first.payload : join(parts),
    });
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
