import type { MediaFrame } from '../chunks/fragmenter';
import type { Bytes } from '../chunks/header';
import { BeaconError } from '../errors';
import { CaptureClock } from './captureClock';
import { videoEncoderConfig, type VideoCodec } from './codecs';
import { encodeVideoConfig } from './decoderConfig';
import { TrackReader } from './trackReader';

export interface VideoSourceOptions {
  track: MediaStreamTrack;
  codec: VideoCodec;
  bitrateKbps: number;
  keyFrameIntervalMs: number;
  onFrame: (frame: MediaFrame) => void;
  onEnded: () => void;
  onError: (error: BeaconError) => void;
}

/** Frames that wait for the encoder beyond this are dropped: late pictures help nobody. */
const MAX_ENCODE_QUEUE = 2;

/** Reads a video track and encodes it, with a key frame at a fixed interval so that newcomers never wait long. */
export class VideoSource {
  readonly #clock = new CaptureClock();
  #reader: TrackReader<VideoFrame>;
  #bitrateKbps: number;
  #encoder: VideoEncoder | undefined;
  #size = '';
  #configuredKbps = 0;
  #config: Bytes | undefined;
  #lastKeyUs = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #framesEncoded = 0;

  constructor(private readonly options: VideoSourceOptions) {
    this.#bitrateKbps = options.bitrateKbps;
    this.#reader = this.#read(options.track);
  }

  /** Takes effect with the next picture, without a new key frame. */
  set bitrateKbps(bitrateKbps: number) {
    this.#bitrateKbps = bitrateKbps;
  }

  get bitrateKbps(): number {
    return this.#bitrateKbps;
  }

  /** Goes on with another track: another camera, or the screen. */
  replaceTrack(track: MediaStreamTrack): void {
    if (this.#stopped) return;
    this.#reader.stop();
    this.#clock.restart();
    this.#reader = this.#read(track);
  }

  get framesEncoded(): number {
    return this.#framesEncoded;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#reader.stop();
    if (this.#encoder?.state !== 'closed') this.#encoder?.close();
  }

  #read(track: MediaStreamTrack): TrackReader<VideoFrame> {
    return new TrackReader<VideoFrame>(track, {
      item: (frame) => this.#encode(frame),
      ended: this.options.onEnded,
      failed: (cause) => this.#fail(cause),
    });
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
    if (size !== this.#size) this.#lastKeyUs = Number.NEGATIVE_INFINITY;
    if (size !== this.#size || this.#bitrateKbps !== this.#configuredKbps) {
      this.#size = size;
      this.#configuredKbps = this.#bitrateKbps;
      this.#encoder.configure(videoEncoderConfig(this.options.codec, { width, height, bitrateKbps: this.#bitrateKbps }));
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
