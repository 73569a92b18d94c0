import { readTrack } from './trackProcessor';

export interface TrackReaderEvents<T> {
  /** The reader closes the item when this returns. */
  item: (item: T) => void;
  /** The track has ended: a device was unplugged, or its use was stopped. */
  ended: () => void;
  failed: (cause: unknown) => void;
}

/** Hands out what a media track delivers, one item after the other, until it ends or is stopped. */
export class TrackReader<T extends { close(): void }> {
  readonly #reader: ReadableStreamDefaultReader<T>;
  #stopped = false;

  constructor(
    track: MediaStreamTrack,
    private readonly events: TrackReaderEvents<T>,
  ) {
    this.#reader = readTrack<T>(track).getReader();
    void this.#run();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    void this.#reader.cancel().catch(() => undefined);
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        try {
          if (!this.#stopped) this.events.item(value);
        } finally {
          value.close();
        }
      }
      if (!this.#stopped) this.events.ended();
    } catch (cause) {
      if (!this.#stopped) this.events.failed(cause);
    }
  }
}
