import type { GopCache } from '../chunks/cache';
import { startsGroup, type Bytes, type Chunk } from '../chunks/header';
import type { ParentControl } from './control';

/** The part of RTCDataChannel that a feed uses. */
export interface FeedChannel {
  readonly readyState: RTCDataChannelState;
  readonly bufferedAmount: number;
  send(data: Bytes): void;
  send(data: string): void;
}

export interface ChildFeedOptions {
  stripe: number;
  /** A child whose channel holds more than this is skipped to the next key frame, so that it never delays its siblings. */
  maxBufferedBytes: number;
}

/** Decides what one child is sent of one stripe, and announces what it is not sent. */
export class ChildFeed {
  #active = false;
  #skipping = false;
  /** The sequence number the child expects next; undefined until something was sent or asked for. */
  #next: number | undefined;
  /** Where the child began: nothing older is of use to it. */
  #start = 0;
  #handedBytes = 0;
  #skippedChunks = 0;

  constructor(
    private readonly channel: FeedChannel,
    private readonly cache: GopCache,
    private readonly options: ChildFeedOptions,
  ) {}

  get active(): boolean {
    return this.#active;
  }

  /** Bytes that left the channel's buffer: never more than the child can have received. */
  get bytesSent(): number {
    return Math.max(0, this.#handedBytes - this.channel.bufferedAmount);
  }

  get skippedChunks(): number {
    return this.#skippedChunks;
  }

  /** Starts, or goes on, with the position the child asked for; without one, with the current group of pictures. */
  activate(): void {
    if (this.#active) return;
    this.#active = true;
    this.#skipping = false;
    if (this.#next === undefined) {
      const start = this.cache.currentGroupStart;
      if (start === undefined) return;
      this.#beginAt(start);
    }
    this.#catchUp();
  }

  pause(): void {
    this.#active = false;
    this.#next = undefined;
  }

  /** Sets the position; an active child is sent everything from there again. */
  seek(sequence: number): void {
    this.#beginAt(sequence);
    this.#skipping = false;
    if (this.#active) this.#catchUp();
  }

  /** A chunk that has just arrived and was never seen before. */
  offer(chunk: Chunk): void {
    if (!this.#active) return;
    if (this.#next === undefined || this.#skipping) {
      const mayResume = startsGroup(chunk) && this.channel.bufferedAmount <= this.options.maxBufferedBytes / 2;
      if (!mayResume) {
        this.#skippedChunks += 1;
        return;
      }
      if (this.#next === undefined) this.#beginAt(chunk.sequence);
      this.#skipping = false;
    } else if (chunk.sequence < this.#start) {
      return;
    }
    this.#send(chunk);
  }

  #beginAt(sequence: number): void {
    this.#next = sequence;
    this.#start = sequence;
  }

  #catchUp(): void {
    for (const chunk of this.cache.from(this.#next ?? 0)) {
      if (this.#skipping) return;
      this.#send(chunk);
    }
  }

  #send(chunk: Chunk): void {
    if (this.channel.readyState !== 'open') return;
    if (this.channel.bufferedAmount > this.options.maxBufferedBytes) {
      this.#skipping = true;
      this.#skippedChunks += 1;
      return;
    }
    // A chunk below the expected one fills a hole that was announced before: it is sent, but moves nothing.
    const next = this.#next ?? chunk.sequence;
    try {
      if (chunk.sequence > next) this.#announce({ type: 'gap', stripe: this.options.stripe, from: next, to: chunk.sequence - 1 });
      this.channel.send(chunk.bytes);
    } catch {
      // The browser's own buffer is full. The channel stays open, so the child is treated as one that is too slow.
      this.#skipping = true;
      this.#skippedChunks += 1;
      return;
    }
    this.#handedBytes += chunk.bytes.length;
    this.#next = Math.max(next, chunk.sequence + 1);
  }

  #announce(control: ParentControl): void {
    this.channel.send(JSON.stringify(control));
  }
}
