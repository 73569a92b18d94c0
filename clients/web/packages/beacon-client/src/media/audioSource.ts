import type { MediaFrame } from '../chunks/fragmenter';
import type { Bytes } from '../chunks/header';
import { BeaconError } from '../errors';
import { CaptureClock } from './captureClock';
import { encodeAudioConfig } from './decoderConfig';
import { TrackReader } from './trackReader';

export interface AudioSourceOptions {
  track: MediaStreamTrack;
  bitrateKbps: number;
  onFrame: (frame: MediaFrame) => void;
  onEnded: () => void;
  onError: (error: BeaconError) => void;
}

/** Reads an audio track and encodes it to Opus. */
export class AudioSource {
  readonly #clock = new CaptureClock();
  #reader: TrackReader<AudioData>;
  #encoder: AudioEncoder | undefined;
  #config: Bytes | undefined;
  #announce = true;
  #stopped = false;

  constructor(private readonly options: AudioSourceOptions) {
    this.#reader = this.#read(options.track);
  }

  /** Goes on with another track. Its packets are encoded like those before: the encoder is configured anew for another rate. */
  replaceTrack(track: MediaStreamTrack): void {
    if (this.#stopped) return;
    this.#reader.stop();
    this.#clock.restart();
    if (this.#encoder?.state !== 'closed') this.#encoder?.close();
    this.#encoder = undefined;
    this.#announce = true;
    this.#reader = this.#read(track);
  }

  /** A group of pictures begins: the next packet carries the configuration, for those who join with this group. */
  groupBegins(): void {
    this.#announce = true;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#reader.stop();
    if (this.#encoder?.state !== 'closed') this.#encoder?.close();
  }

  #read(track: MediaStreamTrack): TrackReader<AudioData> {
    return new TrackReader<AudioData>(track, {
      item: (data) => this.#encoderFor(data).encode(data),
      ended: this.options.onEnded,
      failed: (cause) => this.#fail(cause),
    });
  }

  #encoderFor(data: AudioData): AudioEncoder {
    if (this.#encoder) return this.#encoder;
    const { sampleRate } = data;
    const numberOfChannels = Math.min(2, data.numberOfChannels);
    this.#encoder = new AudioEncoder({
      output: (chunk, metadata) => this.#output(chunk, metadata),
      error: (cause) => this.#fail(cause),
    });
    this.#encoder.configure({ codec: 'opus', sampleRate, numberOfChannels, bitrate: this.options.bitrateKbps * 1000 });
    this.#config = encodeAudioConfig({ codec: 'opus', sampleRate, numberOfChannels });
    return this.#encoder;
  }

  #output(chunk: EncodedAudioChunk, metadata: EncodedAudioChunkMetadata | undefined): void {
    if (this.#stopped) return;
    if (metadata?.decoderConfig) this.#config = encodeAudioConfig(metadata.decoderConfig);
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    const announce = this.#announce;
    this.#announce = false;
    this.options.onFrame({
      key: chunk.type === 'key',
      audio: true,
      timestampUs: this.#clock.toEpochUs(chunk.timestamp),
      ...(announce && this.#config ? { config: this.#config } : {}),
      data,
    });
  }

  #fail(cause: unknown): void {
    if (this.#stopped) return;
    this.stop();
    this.options.onError(new BeaconError('encoder_failed', 'The sound can no longer be encoded.', false, { cause }));
  }
}
