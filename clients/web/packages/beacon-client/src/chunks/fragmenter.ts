import { encodeChunk, HEADER_BYTES, MAX_CHUNK_BYTES, proofBytes, type Bytes, type ChunkHeader } from './header';
import { digestOf, type FrameSigner } from './signing';

/** One encoded picture or audio packet. */
export interface MediaFrame {
  key: boolean;
  audio: boolean;
  /** A group of pictures begins with it in its stripe, although it is no key frame. */
  group?: boolean;
  timestampUs: number;
  /** Present on key frames and on the first audio packet of each group: what a newcomer needs to configure its decoder. */
  config?: Bytes;
  data: Uint8Array;
}

/** A digest of every further fragment stands in the first one, which bounds their number. */
const MAX_FRAGMENTS = 400;

/** Cuts frames into chunks, numbers and signs them. One per stripe. */
export class Fragmenter {
  #sequence: number;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly streamId: string,
    private readonly stripe: number,
    private readonly signer: FrameSigner,
    firstSequence = 0,
  ) {
    this.#sequence = firstSequence;
  }

  /** The sequence number that the next chunk gets. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /**
   * The chunks of a frame have consecutive sequence numbers; only the first one carries the configuration and the proof. Frames come out in
   * the order in which they went in.
   */
  async cut(frame: MediaFrame): Promise<Bytes[]> {
    const parts = this.#divide(frame);
    const headers = parts.map((_, index) => this.#header(frame, index, parts.length));
    const made = this.#make(headers, parts);
    const inOrder = this.#tail.then(() => made);
    this.#tail = inOrder.catch(() => undefined);
    return await inOrder;
  }

  #divide({ data, config }: MediaFrame): Uint8Array[] {
    const room = MAX_CHUNK_BYTES - HEADER_BYTES;
    const alone = room - (config?.length ?? 0) - proofBytes(1);
    // Each further fragment takes its digest's room away from the first one.
    const gain = room - (proofBytes(2) - proofBytes(1));
    const count = 1 + Math.ceil(Math.max(0, data.length - alone) / gain);
    if (count > MAX_FRAGMENTS) throw new RangeError(`A frame of ${data.length} bytes is too large.`);
    const firstRoom = alone - (proofBytes(count) - proofBytes(1));
    const parts = [data.subarray(0, firstRoom)];
    for (let at = firstRoom; parts.length < count; at += room) parts.push(data.subarray(at, at + room));
    return parts;
  }

  #header(frame: MediaFrame, fragmentIndex: number, fragmentCount: number): ChunkHeader {
    const { key, audio, group, timestampUs, config } = frame;
    return {
      key,
      audio,
      streamId: this.streamId,
      stripe: this.stripe,
      sequence: this.#sequence++,
      timestampUs,
      fragmentIndex,
      fragmentCount,
      ...(fragmentIndex === 0 && config ? { config } : {}),
      ...(fragmentIndex === 0 && group ? { group } : {}),
    };
  }

  async #make([first, ...others]: ChunkHeader[], parts: Uint8Array[]): Promise<Bytes[]> {
    const further = others.map((header, index) => encodeChunk(header, parts[index + 1]!));
    const digests = await Promise.all(further.map(digestOf));
    return [await this.signer.sign(first!, digests, parts[0]!), ...further];
  }
}
