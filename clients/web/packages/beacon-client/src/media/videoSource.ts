import type { MediaFrame } from '../chunks/fragmenter';
import type { Bytes } from '../chunks/header';
import { BeaconError } from '../errors';
import { CaptureClock } from './captureClock';
import { encodeVideoConfig } from './decoderConfig';
import { readTrack } from './trackProcessor';

export interface VideoSourceOptions {
  track: MediaStreamTrack;
  codec: string;
  bitrateKbps: number;
  keyFrameIntervalMs: number;
  onFrame: (frame: MediaFrame) => void;
  onError: (error: BeaconError) => void;
}

/** Frames that wait for the encoder beyond this are dropped: late pictures help nobody. */
const MAX_ENCODE_QUEUE = 2;

/** Reads a video track and encodes it, with a key frame at a fixed interval so that newcomers never wait long. */
export class VideoSource {
  readonly #clock = new CaptureClock();
  readonly #reader: ReadableStreamDefaultReader<VideoFrame>;
  #encoder: VideoEncoder | undefined;
  #size = '';
  #config: Bytes | undefined;
  #lastKeyUs = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #framesEncoded = 0;

  constructor(private readonly options: VideoSourceOptions) {
    this.#reader = readTrack<VideoFrame>(options.track).getReader();
    void this.#run();
  }

  get framesEncoded(): number {
    return this.#framesEncoded;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    void this.#reader.cancel().catch(() => undefined);
    if (this.#encoder?.state !== 'closed') this.#encoder?.close();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        const { done, value } = await this.#reader.read();
        if (done) return;
        try {
          if (!this.#stopped) this.#encode(value);
        } finally {
          value.close();
        }
      }
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #encode(frame: VideoFrame): void {
    const encoder = this.#encoderFor(frame);
    if (encoder.encodeQueueSize > MAX_ENCODE_QUEUE) return;
    const timestamp = this.#clock.toEpochUs(frame.timestamp);
    const keyFrame = timestamp - this.#lastKeyUs >= this.options.keyFrameIntervalMs * 1000;
    if (keyFrame) this.#lastKeyUs = timestamp;
    const stamped = new VideoFrame(frame, { timestamp });
    encoder.encode(stamped, { keyFrame });
    stamped.close();
  }

  /** A shared screen or a turned phone changes its size in mid-stream; the encoder is then configured anew. */
  #encoderFor(frame: VideoFrame): VideoEncoder {
    // Encoders want even sizes.
    const width = frame.displayWidth & ~1;
    const height = frame.displayHeight & ~1;
    const size = `${width}x${height}`;
    this.#encoder ??= new VideoEncoder({
      output: (chunk, metadata) => this.#output(chunk, metadata),
      error: (cause) => this.#fail(cause),
    });
    if (size !== this.#size) {
      this.#size = size;
      this.#lastKeyUs = Number.NEGATIVE_INFINITY;
      this.#encoder.configure({
        codec: this.options.codec,
        width,
        height,
        bitrate: this.options.bitrateKbps * 1000,
        bitrateMode: 'variable',
        latencyMode: 'realtime',
      });
    }
    return this.#encoder;
  }

  #output(chunk: EncodedVideoChunk, metadata: EncodedVideoChunkMetadata | undefined): void {
    if (this.#stopped) return;
    if (metadata?.decoderConfig) this.#config = encodeVideoConfig(metadata.decoderConfig);
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    this.#framesEncoded += 1;
    // Some encoders put in key frames of their own, so the chunk says what it is and not the request.
    const key = chunk.type === 'key';
    this.options.onFrame({
      key,
      audio: false,
      timestampUs: chunk.timestamp,
      ...(key && this.#config ? { config: this.#config } : {}),
      data,
    });
  }

  #fail(cause: unknown): void {
    if (this.#stopped) return;
    this.stop();
    this.options.onError(new BeaconError('encoder_failed', 'The picture can no longer be encoded.', false, { cause }));
  }
}
