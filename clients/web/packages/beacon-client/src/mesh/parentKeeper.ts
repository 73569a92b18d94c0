import { Backoff } from '../backoff';
import type { Bytes } from '../chunks/header';
import type { Parent, ParentLinkEvents } from './parentLink';

/** A directive of the server: whom to connect to, and with which ticket. */
export interface Assignment {
  peerId: string;
  ticket: string;
  version: bigint;
  /** Relays between the broadcaster and this peer. */
  depth: number;
}

export interface ParentKeeperOptions {
  connect: (assignment: Assignment, events: ParentLinkEvents) => Parent;
  /** The sequence number to go on with, undefined before the first chunk. */
  nextSequence: () => number | undefined;
  onChunk: (bytes: Bytes, parentPeerId: string) => void;
  onGap: (from: number, to: number) => void;
  onChange: () => void;
  /** The assigned parent could not be reached in several attempts: the server must decide anew. */
  onStranded: () => void;
  /** Chunks that flowed and stopped for this long mean a lost parent, in milliseconds. */
  silenceMs: number;
  now: () => number;
}

interface Held {
  readonly link: Parent;
  active: boolean;
  lastChunkAt: number | undefined;
}

/** A deeper peer waits a little longer, so that after a loss the peers right below it move first and their subtrees keep still. */
const SILENCE_PER_DEPTH_MS = 150;
const MAX_SILENCE_MS = 1500;
const ATTEMPTS = 4;

/**
 * Keeps one stripe fed. Three peers can matter: the one the server assigned, the standby, and the one that feeds right now.
 * A new parent replaces the old one only when its chunks flow; a parent that is lost or falls silent is replaced by the
 * standby without asking; the assigned parent takes over again as soon as it delivers. Everybody else is let go.
 */
export class ParentKeeper {
  readonly #held = new Map<string, Held>();
  readonly #retries = new Map<string, { backoff: Backoff; timer?: ReturnType<typeof setTimeout> }>();
  #assigned: Assignment | undefined;
  #standby: Assignment | undefined;
  #feeding: Held | undefined;
  #newest = { parent: -1n, standby: -1n };
  #closed = false;

  constructor(private readonly options: ParentKeeperOptions) {}

  get assigned(): Assignment | undefined {
    return this.#assigned;
  }

  get standbyPeerId(): string | undefined {
    return this.#standby?.peerId;
  }

  /** Whose chunks arrive now. */
  get feedingPeerId(): string | undefined {
    return this.#feeding?.link.peerId;
  }

  assign(assignment: Assignment): void {
    if (this.#closed || assignment.version <= this.#newest.parent) return;
    this.#newest.parent = assignment.version;
    this.#assigned = assignment;
    this.#forgetRetry(assignment.peerId);
    this.#use(assignment);
    this.#prune();
    this.options.onChange();
  }

  assignStandby(assignment: Assignment | undefined, version: bigint): void {
    if (this.#closed || version <= this.#newest.standby) return;
    this.#newest.standby = version;
    this.#standby = assignment;
    if (assignment) {
      this.#forgetRetry(assignment.peerId);
      this.#ensure(assignment);
    }
    this.#prune();
    this.options.onChange();
  }

  /** After a new session the server counts from the start; what is connected stays. */
  expectNewVersions(): void {
    this.#newest = { parent: -1n, standby: -1n };
  }

  /** Called regularly. */
  tick(): void {
    if (this.#feeding && this.#isSilent(this.#feeding)) this.#failOver();
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#retries.values()) clearTimeout(timer);
    for (const { link } of [...this.#held.values()]) link.close();
    this.#held.clear();
    this.#feeding = undefined;
  }

  #isSilent(held: Held): boolean {
    const deeper = Math.max(0, (this.#assigned?.depth ?? 1) - 1);
    const limit = Math.min(MAX_SILENCE_MS, this.options.silenceMs + deeper * SILENCE_PER_DEPTH_MS);
    return held.lastChunkAt !== undefined && this.options.now() - held.lastChunkAt > limit;
  }

  /** Connects if need be and asks for chunks as soon as that is possible. */
  #use(assignment: Assignment): void {
    const held = this.#ensure(assignment);
    if (held.link.open) this.#activate(held);
  }

  #ensure(assignment: Assignment): Held {
    const existing = this.#held.get(assignment.peerId);
    if (existing) return existing;
    // The link may call back while it is being made, so its entry is looked up by the events and not captured.
    let held: Held | undefined;
    const link = this.options.connect(assignment, {
      opened: () => held && this.#opened(held),
      chunk: (bytes) => held && this.#received(held, bytes),
      gap: (from, to) => this.options.onGap(from, to),
      closed: () => held && this.#lost(held),
    });
    held = { link, active: false, lastChunkAt: undefined };
    this.#held.set(assignment.peerId, held);
    return held;
  }

  #activate(held: Held): void {
    if (held.active) return;
    held.active = true;
    held.link.activate(this.options.nextSequence());
  }

  #opened(held: Held): void {
    this.#forgetRetry(held.link.peerId);
    const isAssigned = held.link.peerId === this.#assigned?.peerId;
    const isNeeded = !this.#feeding || this.#isSilent(this.#feeding);
    if (isAssigned || isNeeded) this.#activate(held);
    else held.link.standBy();
    this.options.onChange();
  }

  #received(held: Held, bytes: Bytes): void {
    held.lastChunkAt = this.options.now();
    if (held !== this.#feeding) {
      const isAssigned = held.link.peerId === this.#assigned?.peerId;
      if (isAssigned || !this.#feeding || this.#isSilent(this.#feeding)) {
        this.#feeding = held;
        this.#prune();
        this.options.onChange();
      }
    }
    this.options.onChunk(bytes, held.link.peerId);
  }

  #lost(held: Held): void {
    const { peerId } = held.link;
    if (this.#held.get(peerId) === held) this.#held.delete(peerId);
    if (this.#closed) return;
    if (held === this.#feeding) {
      this.#feeding = undefined;
      this.#failOver();
    }
    if (this.#wanted(peerId)) this.#reconnectLater(peerId);
    this.options.onChange();
  }

  /** The assigned parent stays asked: when it delivers again before or after the standby does, it takes over. */
  #failOver(): void {
    for (const assignment of [this.#standby, this.#assigned]) {
      const held = assignment && this.#held.get(assignment.peerId);
      if (held && held !== this.#feeding && held.link.open) this.#activate(held);
    }
  }

  #wanted(peerId: string): Assignment | undefined {
    if (this.#assigned?.peerId === peerId) return this.#assigned;
    return this.#standby?.peerId === peerId ? this.#standby : undefined;
  }

  #reconnectLater(peerId: string): void {
    const retry = this.#retries.get(peerId) ?? { backoff: new Backoff({ firstMs: 250, maxMs: 2000 }) };
    this.#retries.set(peerId, retry);
    if (retry.backoff.attempt >= ATTEMPTS) {
      this.#retries.delete(peerId);
      if (peerId === this.#assigned?.peerId) this.options.onStranded();
      return;
    }
    clearTimeout(retry.timer);
    retry.timer = setTimeout(() => {
      const assignment = this.#wanted(peerId);
      if (assignment && !this.#closed) this.#ensure(assignment);
    }, retry.backoff.nextMs());
  }

  #forgetRetry(peerId: string): void {
    clearTimeout(this.#retries.get(peerId)?.timer);
    this.#retries.delete(peerId);
  }

  /** Lets go of everybody who is neither assigned, nor standby, nor feeding; a standby that is not needed falls silent. */
  #prune(): void {
    for (const held of [...this.#held.values()]) {
      const { peerId, open } = held.link;
      if (held === this.#feeding || peerId === this.#assigned?.peerId) continue;
      if (peerId === this.#standby?.peerId) {
        const needed = !this.#feeding || this.#isSilent(this.#feeding);
        if (held.active && open && !needed) {
          held.active = false;
          held.link.standBy();
        }
      } else {
        this.#held.delete(peerId);
        held.link.close();
      }
    }
  }
}
