import type { MediaFrame } from '../chunks/fragmenter';
import { epochUs } from '../clock';
import { decodeVideoConfig } from './decoderConfig';

/** Where pictures go. The SDK closes the frame when `draw` returns; a sink that keeps it clones it. */
export interface VideoSink {
  /** Shows one picture. */
  draw(frame: VideoFrame): void;
}

/** Draws each picture as it is decoded; the canvas takes the size of the video. */
export function canvasSink(canvas: HTMLCanvasElement): VideoSink {
  const context = canvas.getContext('2d', { alpha: false });
  return {
    draw(frame) {
      if (canvas.width !== frame.displayWidth || canvas.height !== frame.displayHeight) {
        canvas.width = frame.displayWidth;
        canvas.height = frame.displayHeight;
      }
      context?.drawImage(frame, 0, 0, canvas.width, canvas.height);
    },
  };
}

/** Pictures that wait for the decoder beyond this mean that the machine cannot keep up: go on with the next key frame. */
const MAX_DECODE_QUEUE = 90;

/** Pictures that wait for their sound: hardware decoders have few to spare. */
const MAX_WAITING = 8;
/** A picture within this of its sound is in time, in microseconds: nobody hears the difference. */
const IN_TIME_US = 15_000;
/** Sound this far off belongs to something else, in microseconds. */
const MAX_WAIT_US = 500_000;

export interface VideoPlayerOptions {
  sink: VideoSink;
  onPicture: () => void;
  /** This browser does not decode the stream's codec. */
  onUnsupported: (codec: string) => void;
  /** The capture time of the sound that is heard now, undefined while there is none. */
  soundAtUs: () => number | undefined;
}

/** Decodes pictures in order and hands each to the sink when its sound is heard, at once where there is no sound. */
export class VideoPlayer {
  #decoder: VideoDecoder | undefined;
  #config = '';
  #codec: string | undefined;
  #needsKey = true;
  #closed = false;
  #framesDecoded = 0;
  #receivedUs = 0;
  #drawnUs = 0;
  #drawnAt: number | undefined;
  #latencyMs = 0;
  #waiting: VideoFrame[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: VideoPlayerOptions) {}

  get framesDecoded(): number {
    return this.#framesDecoded;
  }

  /** Capture time of the last drawn picture, Unix epoch in microseconds. */
  get lastTimestampUs(): number {
    return this.#drawnUs;
  }

  /** Capture to drawn, in milliseconds. Right only as far as both machines' clocks agree. */
  get latencyMs(): number {
    return this.#latencyMs;
  }

  /** Milliseconds since the last picture was drawn, undefined before the first. */
  get ageMs(): number | undefined {
    return this.#drawnAt === undefined ? undefined : performance.now() - this.#drawnAt;
  }

  /** WebCodecs' name of the codec, undefined before the first key frame. */
  get codec(): string | undefined {
    return this.#codec;
  }

  /** Pictures that were received before are of no use to those that come: go on with the next key frame. */
  awaitKey(): void {
    this.#needsKey = true;
  }

  /** Received but not yet drawn, in milliseconds of media. */
  get bufferMs(): number {
    return this.#drawnUs === 0 ? 0 : Math.max(0, (this.#receivedUs - this.#drawnUs) / 1000);
  }

  play(frame: MediaFrame): void {
    if (this.#closed) return;
    this.#receivedUs = Math.max(this.#receivedUs, frame.timestampUs);
    if (frame.key && frame.config) this.#configure(frame.config);
    if (this.#needsKey && !frame.key) return;
    const decoder = this.#decoder;
    if (decoder?.state !== 'configured') return;
    if (decoder.decodeQueueSize > MAX_DECODE_QUEUE && !frame.key) {
      this.#needsKey = true;
      return;
    }
    this.#needsKey = false;
    decoder.decode(
      new EncodedVideoChunk({ type: frame.key ? 'key' : 'delta', timestamp: frame.timestampUs, data: frame.data as BufferSource }),
    );
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const frame of this.#waiting.splice(0)) frame.close();
    if (this.#decoder?.state !== 'closed') this.#decoder?.close();
  }

  #configure(bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes);
    if (text === this.#config && this.#decoder?.state === 'configured') return;
    const config = decodeVideoConfig(bytes);
    if (!config) return;
    if (!this.#decoder || this.#decoder.state === 'closed') {
      this.#decoder = new VideoDecoder({ output: (frame) => this.#decoded(frame), error: (cause) => this.#failed(cause, config.codec) });
    }
    this.#config = text;
    this.#codec = config.codec;
    this.#needsKey = true;
    this.#decoder.configure(config);
  }

  #failed({ name }: DOMException, codec: string): void {
    this.#needsKey = true;
    if (name === 'NotSupportedError') this.options.onUnsupported(codec);
  }

  #decoded(frame: VideoFrame): void {
    if (this.#closed) return frame.close();
    this.#framesDecoded += 1;
    this.#waiting.push(frame);
    this.#drawDue();
  }

  /** In order; a picture whose sound has yet to be heard waits, and those behind it with it. */
  #drawDue(): void {
    clearTimeout(this.#timer);
    for (;;) {
      const frame = this.#waiting[0];
      if (!frame) return;
      const soundAt = this.options.soundAtUs();
      const earlyUs = soundAt === undefined ? 0 : frame.timestamp - soundAt;
      if (earlyUs > IN_TIME_US && earlyUs < MAX_WAIT_US && this.#waiting.length <= MAX_WAITING) {
        this.#timer = setTimeout(() => this.#drawDue(), (earlyUs - IN_TIME_US / 2) / 1000);
        return;
      }
      this.#waiting.shift();
      this.#draw(frame);
    }
  }

  #draw(frame: VideoFrame): void {
    try {
      this.#drawnUs = frame.timestamp;
      this.#drawnAt = performance.now();
      this.#latencyMs = (epochUs() - frame.timestamp) / 1000;
      this.options.sink.draw(frame);
      this.options.onPicture();
    } finally {
      frame.close();
    }
  }
}
