import { Pacer } from './pacer';

export interface UplinkOptions {
  /** What is believed before anything was measured, in bytes a second. */
  assumedBytesPerSecond: number;
  /** The rate never falls below this, in bytes a second: one child must always be served. */
  minBytesPerSecond: number;
  /** Milliseconds. */
  now: () => number;
}

/** What a channel shows of itself. */
export interface UplinkChannel {
  readonly bufferedAmount: number;
}

/** A sample needs this much time with data waiting, in milliseconds; shorter ones measure the scheduler. */
const SAMPLE_MS = 200;
/** Below this a channel has nothing to wait for. */
const BACKLOG_BYTES = 16 * 1024;
/** A measurement is good for this long: links change, and whoever sends less than they carry learns nothing new. */
const MEASURED_FOR_MS = 60_000;
/** Pacing stays this far below what was measured. */
const SHARE = 0.9;
/** What limits now may be too little: quickly found out at first, with small steps once there is a measurement. */
const PROBE = { first: { intervalMs: 1000, growth: 1.15 }, later: { intervalMs: 3000, growth: 1.05 } };

/**
 * Measures what this machine's uplink carries, with the stream itself: while data waits in a channel, what leaves is what the link takes. Nothing is learnt while
 * nothing waits, so whoever is held back by the pacer alone raises it step by step until data waits again.
 */
export class Uplink {
  readonly pacer: Pacer;
  #measured: number | undefined;
  #measuredAt = Number.NEGATIVE_INFINITY;
  #last: { at: number; sent: number; backlogged: boolean } | undefined;
  #busyMs = 0;
  #busyBytes = 0;
  #changedAt: number;

  constructor(private readonly options: UplinkOptions) {
    this.pacer = new Pacer(Math.max(options.minBytesPerSecond, options.assumedBytesPerSecond), options.now);
    this.#changedAt = options.now();
  }

  /** Bytes a second, undefined while nothing ever had to wait for the link: then it carries at least what is sent. */
  get measuredBytesPerSecond(): number | undefined {
    return this.#measured;
  }

  /** Called every tick with what has left all channels so far. */
  observe(sentBytes: number, channels: readonly UplinkChannel[]): void {
    const now = this.options.now();
    const backlogged = channels.some(({ bufferedAmount }) => bufferedAmount > BACKLOG_BYTES);
    const last = this.#last;
    this.#last = { at: now, sent: sentBytes, backlogged };
    if (last?.backlogged && backlogged) {
      this.#busyMs += now - last.at;
      this.#busyBytes += Math.max(0, sentBytes - last.sent);
      if (this.#busyMs >= SAMPLE_MS) this.#sample(now);
      return;
    }
    this.#busyMs = 0;
    this.#busyBytes = 0;
    if (now - this.#measuredAt > MEASURED_FOR_MS) this.#measured = undefined;
    this.#probe(now);
  }

  #sample(now: number): void {
    const rate = (this.#busyBytes / this.#busyMs) * 1000;
    this.#busyMs = 0;
    this.#busyBytes = 0;
    this.#measured = this.#measured === undefined ? rate : (this.#measured + rate) / 2;
    this.#measuredAt = now;
    this.#setRate(this.#measured * SHARE, now);
  }

  #probe(now: number): void {
    const { intervalMs, growth } = this.#measured === undefined ? PROBE.first : PROBE.later;
    const isLimiting = now - this.pacer.refusedAt < intervalMs;
    if (isLimiting && now - this.#changedAt >= intervalMs) this.#setRate(this.pacer.bytesPerSecond * growth, now);
  }

  #setRate(bytesPerSecond: number, now: number): void {
    this.#changedAt = now;
    this.pacer.bytesPerSecond = Math.max(this.options.minBytesPerSecond, bytesPerSecond);
  }
}
