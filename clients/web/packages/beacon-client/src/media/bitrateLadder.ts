export interface UplinkView {
  /** What all children need together, in Mbit/s, at the full bitrate. */
  neededMbps: number;
  /** What the uplink was seen to carry, in Mbit/s; undefined while nothing had to wait. */
  measuredMbps: number | undefined;
  /** A child gets key frames only, or waits. */
  strained: boolean;
}

/** Shares of the full bitrate. The stream is one: a step is a step for everybody. */
const RUNGS = [1, 0.75, 0.5, 0.35, 0.25] as const;
/** A step needs this long to show what it did. */
const DOWN_INTERVAL_MS = 4000;
/** Up is tried late: each attempt that fails is seen by all viewers. */
const UP_INTERVAL_MS = 20_000;
/** What is needed must fit with this much to spare. */
const HEADROOM = 1.15;

/** Decides at which share of its bitrate the broadcaster encodes: what its uplink carries to its children. */
export class BitrateLadder {
  #rung = 0;
  #changedAt = Number.NEGATIVE_INFINITY;
  #wellSince: number | undefined;

  get share(): number {
    return RUNGS[this.#rung]!;
  }

  /** Called about once a second. Returns the share to encode with. */
  judge({ neededMbps, measuredMbps, strained }: UplinkView, nowMs: number): number {
    const fits = (share: number) => measuredMbps === undefined || neededMbps * share * HEADROOM <= measuredMbps;
    if (strained || !fits(this.share)) {
      this.#wellSince = undefined;
      if (nowMs - this.#changedAt >= DOWN_INTERVAL_MS) this.#move(1, nowMs);
      return this.share;
    }
    this.#wellSince ??= nowMs;
    const above = RUNGS[this.#rung - 1];
    if (above !== undefined && nowMs - this.#wellSince >= UP_INTERVAL_MS && fits(above)) this.#move(-1, nowMs);
    return this.share;
  }

  #move(step: 1 | -1, nowMs: number): void {
    this.#rung = Math.min(RUNGS.length - 1, this.#rung + step);
    this.#changedAt = nowMs;
    this.#wellSince = undefined;
  }
}
