import type { MediaFrame } from '../chunks/fragmenter';
import { epochUs } from '../clock';
import { decodeAudioConfig } from './decoderConfig';

/** Sound starts this far ahead of the clock, so that small delays are not heard. */
const LEAD_SECONDS = 0.08;
/** After a break the sound goes on with what is at most this much later than the quickest packets, in microseconds: the rest would only delay it for good. */
const MAX_LATE_US = 60_000;
/** How fast the quickest packet is forgotten, in microseconds a packet: routes and clocks change. */
const FORGET_US = 5;
/** Sound that would play later than this is dropped, so that it does not fall behind the picture. */
const MAX_LEAD_SECONDS = 0.5;

/**
 * Decodes and plays sound. Browsers keep an AudioContext suspended until a gesture; until then packets are dropped, and the
 * picture never waits for them.
 */
export class AudioPlayer {
  #context: AudioContext | undefined;
  #gain: GainNode | undefined;
  #decoder: AudioDecoder | undefined;
  #config = '';
  #playAt = 0;
  /** Capture time of what plays at `#playAt`, in microseconds. */
  #playAtUs = 0;
  #quickestUs = Number.POSITIVE_INFINITY;
  #muted = false;
  #volume = 1;
  #closed = false;
  #packetsDecoded = 0;

  /** Sound packets decoded so far. */
  get packetsDecoded(): number {
    return this.#packetsDecoded;
  }

  /** Sound is heard: the browser allows it, and it is not muted. */
  get audible(): boolean {
    return !this.#muted && this.#context?.state === 'running';
  }

  /** The capture time of the sound that is heard now, Unix epoch in microseconds; undefined while nothing is heard. */
  get positionUs(): number | undefined {
    const context = this.#context;
    if (context?.state !== 'running') return undefined;
    // What is scheduled leaves the speaker a little later.
    const aheadSeconds = this.#playAt - context.currentTime + (context.outputLatency || 0);
    return this.#playAt > context.currentTime ? this.#playAtUs - aheadSeconds * 1_000_000 : undefined;
  }

  /** Silence, though the volume stays what it is. */
  set muted(muted: boolean) {
    this.#muted = muted;
    this.#applyGain();
  }

  /** Silence, though the volume stays what it is. */
  get muted(): boolean {
    return this.#muted;
  }

  /** 0 to 1. */
  set volume(volume: number) {
    this.#volume = Math.min(1, Math.max(0, volume));
    this.#applyGain();
  }

  /** 0 to 1. */
  get volume(): number {
    return this.#volume;
  }

  /** To be called from a gesture of the person: only then may sound start. */
  async resume(): Promise<void> {
    await this.#context?.resume();
  }

  /** What comes from now on is later or earlier than before, on purpose. */
  forgetPace(): void {
    this.#quickestUs = Number.POSITIVE_INFINITY;
  }

  /** @internal */
  play(frame: MediaFrame): void {
    if (this.#closed || !('AudioDecoder' in globalThis)) return;
    if (frame.config) this.#configure(frame.config);
    if (this.#decoder?.state !== 'configured') return;
    this.#decoder.decode(
      new EncodedAudioChunk({ type: frame.key ? 'key' : 'delta', timestamp: frame.timestampUs, data: frame.data as BufferSource }),
    );
  }

  /** @internal */
  close(): void {
    this.#closed = true;
    if (this.#decoder?.state !== 'closed') this.#decoder?.close();
    void this.#context?.close();
  }

  #configure(bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes);
    if (text === this.#config && this.#decoder?.state === 'configured') return;
    const config = decodeAudioConfig(bytes);
    if (!config) return;
    this.#config = text;
    if (!this.#decoder || this.#decoder.state === 'closed') {
      this.#decoder = new AudioDecoder({ output: (data) => this.#output(data), error: () => undefined });
    }
    this.#decoder.configure(config);
    if (!this.#context) {
      this.#context = new AudioContext({ latencyHint: 'interactive' });
      this.#gain = this.#context.createGain();
      this.#applyGain();
      this.#gain.connect(this.#context.destination);
    }
  }

  #applyGain(): void {
    if (this.#gain) this.#gain.gain.value = this.#muted ? 0 : this.#volume;
  }

  #output(data: AudioData): void {
    try {
      this.#packetsDecoded += 1;
      if (this.#closed || !this.#context || this.#context.state !== 'running') return;
      this.#schedule(this.#context, data);
    } finally {
      data.close();
    }
  }

  #schedule(context: AudioContext, data: AudioData): void {
    const now = context.currentTime;
    const transitUs = epochUs() - data.timestamp;
    this.#quickestUs = Math.min(this.#quickestUs + FORGET_US, transitUs);
    if (this.#playAt < now) {
      if (transitUs - this.#quickestUs > MAX_LATE_US) return;
      this.#playAt = now + LEAD_SECONDS;
    }
    if (this.#playAt > now + MAX_LEAD_SECONDS) return;
    const buffer = context.createBuffer(data.numberOfChannels, data.numberOfFrames, data.sampleRate);
    for (let channel = 0; channel < data.numberOfChannels; channel++) {
      const samples = new Float32Array(data.numberOfFrames);
      data.copyTo(samples, { planeIndex: channel, format: 'f32-planar' });
      buffer.copyToChannel(samples, channel);
    }
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#gain!);
    source.start(this.#playAt);
    this.#playAt += buffer.duration;
    this.#playAtUs = data.timestamp + buffer.duration * 1_000_000;
  }
}
