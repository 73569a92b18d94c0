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
  /** Bytes that have left it so far. */
  readonly bytesSent: number;
}

/** A sample needs this much time with data waiting, in milliseconds; shorter ones measure the scheduler. */
const SAMPLE_MS = 200;
/** A channel in which data waits, and of which nothing leaves for this long, leads to somebody who is gone: it says nothing about the link. */
const DEAD_AFTER_MS = 300;
/** Below this a channel has nothing to wait for. */
const BACKLOG_BYTES = 16 * 1024;
/** A measurement is good for this long: links change, and whoever sends less than they carry learns nothing new. */
const MEASURED_FOR_MS = 60_000;
/** Pacing stays this far below what was measured. */
const SHARE = 0.9;
/** What limits now may be too little: quickly found out at first, with small steps once there is a measurement. */
const PROBE = { first: { intervalMs: 1000, growth: 1.15 }, later: { intervalMs: 3000, growth: 1.05 } };

/**
 * Measures what this machine's uplink carries, with the stream itself: while data waits in all channels at once, what leaves is what the link takes. While one of them runs
 * freely it is a child that is slow and not the link. Nothing is learnt while nothing waits, so whoever is held back by the pacer alone raises it step by step until
 * data waits again.
 */
export class Uplink {
  readonly pacer: Pacer;
  #progress = new Map<UplinkChannel, { bytesSent: number; at: number }>();
  #measured: number | undefined;
  #ofLink: number | undefined;
  #measuredAt = Number.NEGATIVE_INFINITY;
  #observedAt: number | undefined;
  #wasFull = false;
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

  /** The same, of what was measured with several children waiting at once: with a single one it may be that child's link, and not this machine's. */
  get linkBytesPerSecond(): number | undefined {
    return this.#ofLink;
  }

  /** Called every tick with all channels over which this peer sends. */
  observe(channels: readonly UplinkChannel[]): void {
    const now = this.options.now();
    const { left, alive } = this.#lookAt(channels, now);
    const isFull = alive.length > 0 && alive.every(({ bufferedAmount }) => bufferedAmount > BACKLOG_BYTES);
    const wasFull = this.#wasFull;
    const passedMs = now - (this.#observedAt ?? now);
    this.#wasFull = isFull;
    this.#observedAt = now;
    if (wasFull && isFull) {
      this.#busyMs += passedMs;
      this.#busyBytes += left;
      if (this.#busyMs >= SAMPLE_MS) this.#sample(now, alive.length > 1);
      return;
    }
    this.#busyMs = 0;
    this.#busyBytes = 0;
    if (now - this.#measuredAt > MEASURED_FOR_MS) {
      this.#measured = undefined;
      this.#ofLink = undefined;
    }
    this.#probe(now);
  }

  /** What has left the channels since the last time, and those of which something leaves or could. */
  #lookAt(channels: readonly UplinkChannel[], now: number): { left: number; alive: UplinkChannel[] } {
    const former = this.#progress;
    this.#progress = new Map();
    const alive: UplinkChannel[] = [];
    let left = 0;
    for (const channel of channels) {
      const { bytesSent, bufferedAmount } = channel;
      const last = former.get(channel) ?? { bytesSent, at: now };
      const moves = bytesSent > last.bytesSent || bufferedAmount === 0;
      const at = moves ? now : last.at;
      this.#progress.set(channel, { bytesSent, at });
      left += Math.max(0, bytesSent - last.bytesSent);
      if (now - at <= DEAD_AFTER_MS) alive.push(channel);
    }
    return { left, alive };
  }

  #sample(now: number, isOfLink: boolean): void {
    const rate = (this.#busyBytes / this.#busyMs) * 1000;
    this.#busyMs = 0;
    this.#busyBytes = 0;
    this.#measured = mean(this.#measured, rate);
    if (isOfLink) this.#ofLink = mean(this.#ofLink, rate);
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

function mean(former: number | undefined, latest: number): number {
  return former === undefined ? latest : (former + latest) / 2;
}
