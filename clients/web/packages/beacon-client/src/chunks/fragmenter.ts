import { encodeChunk, HEADER_BYTES, MAX_CHUNK_BYTES, type Bytes } from './header';

/** One encoded picture or audio packet. */
export interface MediaFrame {
  key: boolean;
  audio: boolean;
  timestampUs: number;
  /** Present on key frames and on the first audio packet of each group: what a newcomer needs to configure its decoder. */
  config?: Bytes;
  data: Uint8Array;
}

/** Cuts frames into chunks and numbers them. One per stripe. */
export class Fragmenter {
  #sequence: number;

  constructor(
    private readonly streamId: string,
    private readonly stripe: number,
    firstSequence = 0,
  ) {
    this.#sequence = firstSequence;
  }

  /** The chunks of a frame have consecutive sequence numbers; only the first one carries the configuration. */
  cut(frame: MediaFrame): Bytes[] {
    const room = MAX_CHUNK_BYTES - HEADER_BYTES;
    const firstRoom = room - (frame.config?.length ?? 0);
    const count = 1 + Math.ceil(Math.max(0, frame.data.length - firstRoom) / room);
    const chunks: Bytes[] = [];
    let offset = 0;
    for (let index = 0; index < count; index++) {
      const end = Math.min(frame.data.length, offset + (index === 0 ? firstRoom : room));
      chunks.push(
        encodeChunk(
          {
            key: frame.key,
            audio: frame.audio,
            streamId: this.streamId,
            stripe: this.stripe,
            sequence: this.#sequence++,
            timestampUs: frame.timestampUs,
            fragmentIndex: index,
            fragmentCount: count,
            ...(index === 0 && frame.config ? { config: frame.config } : {}),
          },
          frame.data.subarray(offset, end),
        ),
      );
      offset = end;
    }
    return chunks;
  }
}
