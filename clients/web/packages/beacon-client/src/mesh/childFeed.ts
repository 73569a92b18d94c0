import type { GopCache } from '../chunks/cache';
import { startsGroup, type Chunk } from '../chunks/header';
import type { ParentControl } from './control';
import type { Pacer } from './pacer';
import { trySend, type Outlet } from './trySend';

/** The part of RTCDataChannel that a feed uses. */
export interface FeedChannel extends Outlet {
  readonly bufferedAmount: number;
}

export interface ChildFeedOptions {
  stripe: number;
  /** The channel itself holds at most this; the rest waits in the cache, where it can still be left out. */
  maxBufferedBytes: number;
  pacer: Pick<Pacer, 'take'>;
  /** Milliseconds. */
  now: () => number;
}

/** A child that was sent nothing for this long is told that this peer is alive. */
const ALIVE_AFTER_MS = 40;
/** Key frames that a slow child must have taken in time, one after the other, before it gets everything again; doubled each time it fails. */
const PROOF_GROUPS = 2;
const MAX_PROOF_GROUPS = 16;

/**
 * Sends one child one stripe, from the child's position in the cache, as fast as the channel and the pacer let it. A child too slow to keep within the cache gets key
 * frames only until it keeps up with those; nobody else waits for it.
 */
export class ChildFeed {
  #active = false;
  #keyFramesOnly = false;
  /** Groups that the slow child took in time, and how many it must. */
  #kept = 0;
  #proof = PROOF_GROUPS;
  #judged: number | undefined;
  /** The sequence number to look for next; undefined until there is something to begin with. */
  #next: number | undefined;
  /** The sequence number that the child expects: what lies between it and the next chunk is announced as a gap. */
  #expected = 0;
  /** Where the child began: nothing older is of use to it. */
  #start = 0;
  #handedBytes = 0;
  #skippedChunks = 0;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly channel: FeedChannel,
    private readonly cache: GopCache,
    private readonly options: ChildFeedOptions,
  ) {}

  get active(): boolean {
    return this.#active;
  }

  /** True while the child gets key frames only, because it could not take more. */
  get slow(): boolean {
    return this.#keyFramesOnly;
  }

  /** Bytes that left the channel's buffer: never more than the child can have received. */
  get bytesSent(): number {
    return Math.max(0, this.#handedBytes - this.channel.bufferedAmount);
  }

  get bufferedAmount(): number {
    return this.channel.bufferedAmount;
  }

  get skippedChunks(): number {
    return this.#skippedChunks;
  }

  /** Chunks that wait in the cache: who has fewest is served first. */
  get lag(): number {
    return this.#next === undefined ? 0 : Math.max(0, (this.cache.newestSequence ?? 0) + 1 - this.#next);
  }

  /** Starts, or goes on, with the position the child asked for; without one, with the current group of pictures. */
  activate(): void {
    if (this.#active) return;
    this.#active = true;
    this.#saidAt = this.options.now();
    this.pump();
  }

  pause(): void {
    this.#active = false;
    this.#next = undefined;
    this.#keyFramesOnly = false;
  }

  /** Sets the position; an active child is sent everything from there again. */
  seek(sequence: number): void {
    this.#beginAt(sequence);
    this.pump();
  }

  /** A chunk that has just come into the cache. */
  offer(chunk: Chunk): void {
    // One that comes late fills a hole that was announced before.
    if (this.#active && !this.#keyFramesOnly && this.#next !== undefined && chunk.sequence < this.#next && chunk.sequence >= this.#start) {
      if (this.#open && this.#hasRoom(chunk)) this.#write(chunk);
      return;
    }
    this.pump();
  }

  /** Sends what may be sent now; called for each new chunk, when the channel has drained, and every tick. */
  pump(): void {
    if (!this.#active || !this.#open) return;
    if (this.#next === undefined) {
      const start = this.cache.currentGroupStart;
      if (start === undefined) return this.#sayAlive();
      this.#beginAt(start);
    }
    for (;;) {
      if (this.#next! < this.cache.floor) this.#fallBehind();
      const chunk = this.#keyFramesOnly ? this.#nextOfKeyFrame() : this.cache.firstFrom(this.#next!);
      if (!chunk) return this.#sayAlive();
      if (!this.#hasRoom(chunk)) return;
      if (!this.options.pacer.take(chunk.bytes.length)) return this.#sayAlive();
      if (!this.#send(chunk)) return;
    }
  }

  get #open(): boolean {
    return this.channel.readyState === 'open';
  }

  #hasRoom(chunk: Chunk): boolean {
    const { bufferedAmount } = this.channel;
    return bufferedAmount === 0 || bufferedAmount + chunk.bytes.length <= this.options.maxBufferedBytes;
  }

  #beginAt(sequence: number): void {
    this.#next = sequence;
    this.#expected = sequence;
    this.#start = sequence;
    this.#keyFramesOnly = false;
  }

  /** What the child waits for is no longer kept: it goes on with the newest picture that stands alone. */
  #fallBehind(): void {
    const current = this.cache.currentGroupStart;
    // A position that was old from the start, or a cache without groups, is no sign of a slow child.
    if (current === undefined || this.#expected === this.#start) {
      this.#next = this.cache.floor;
      return;
    }
    if (this.#keyFramesOnly) this.#proof = Math.min(MAX_PROOF_GROUPS, this.#proof * 2);
    this.#keyFramesOnly = true;
    this.#kept = 0;
    this.#moveTo(current);
  }

  #moveTo(sequence: number): void {
    this.#skippedChunks += Math.max(0, sequence - this.#next!);
    this.#next = sequence;
  }

  #nextOfKeyFrame(): Chunk | undefined {
    for (let chunk = this.cache.firstFrom(this.#next!); chunk; chunk = this.cache.firstFrom(chunk.sequence + 1)) {
      if (!chunk.key || chunk.audio) continue;
      this.#moveTo(chunk.sequence);
      if (startsGroup(chunk) && this.#mayHaveAll(chunk)) this.#keyFramesOnly = false;
      return chunk;
    }
    return undefined;
  }

  /** The child keeps up when the former key frames have left the channel by the time the next one comes, which is the newest there is. */
  #mayHaveAll(chunk: Chunk): boolean {
    // Judged once, although the pacer may let the same chunk wait.
    if (chunk.sequence === this.#judged) return false;
    this.#judged = chunk.sequence;
    const inTime = this.channel.bufferedAmount === 0 && chunk.sequence === this.cache.currentGroupStart;
    this.#kept = inTime ? this.#kept + 1 : 0;
    return this.#kept >= this.#proof;
  }

  /** False when the channel takes no more now; what was not sent is tried again. */
  #send(chunk: Chunk): boolean {
    if (chunk.sequence > this.#expected && !this.#say({ type: 'gap', stripe: this.options.stripe, from: this.#expected, to: chunk.sequence - 1 })) return false;
    if (!this.#write(chunk)) return false;
    this.#next = chunk.sequence + 1;
    this.#expected = this.#next;
    return true;
  }

  #write(chunk: Chunk): boolean {
    if (!trySend(this.channel, chunk.bytes)) return false;
    this.#saidAt = this.options.now();
    this.#handedBytes += chunk.bytes.length;
    return true;
  }

  /** A child cannot tell a parent that is gone from one that has nothing to send. */
  #sayAlive(): void {
    if (this.options.now() - this.#saidAt >= ALIVE_AFTER_MS) this.#say({ type: 'alive' });
  }

  #say(control: ParentControl): boolean {
    if (!trySend(this.channel, JSON.stringify(control))) return false;
    this.#saidAt = this.options.now();
    return true;
  }
}
