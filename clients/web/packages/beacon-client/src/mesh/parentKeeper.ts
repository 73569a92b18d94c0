import { Backoff } from '../backoff';
import type { Bytes } from '../chunks/header';
import type { Parent, ParentLinkEvents } from './parentLink';
import { Pulse } from './pulse';

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
  onGap: (from: number, to: number, parentPeerId: string) => void;
  onKey: (certificate: string, parentPeerId: string) => void;
  /** This parent was asked for chunks: what it sends from here on it was asked for. */
  onAsked?: (parentPeerId: string, from: number | undefined) => void;
  /** The assigned parent is connected. */
  onConnected?: (parentPeerId: string) => void;
  /** A connected parent had nothing for a long time while another one did. */
  onSilent?: (parentPeerId: string) => void;
  onChange: () => void;
  /** Nobody can be reached who might feed this peer: the server must decide anew. */
  onStranded: () => void;
  /** A parent of which nothing is heard for this long is lost, in milliseconds. */
  silenceMs: number;
  now: () => number;
}

interface Held {
  readonly link: Parent;
  readonly pulse: Pulse;
  active: boolean;
  activeSince: number;
  /** When it last delivered a true chunk. */
  deliveredAt: number | undefined;
}

/** Between two ticks there is less than this, unless the page stands still. */
const MAX_OWN_PAUSE_MS = 80;
/** Alive but without chunks for this long: somebody else is asked too. Its own parent may be lost, and it needs a moment to change over. */
const STARVED_MS = 700;
/** Alive but without chunks for this long, while another parent has them: it does not do its duty. */
const IDLE_MS = 5000;
/** Without any parent for this long, one that broke the rules is better than none: it is checked like all others. */
const FORGIVE_MS = 2000;
const MAX_SHUNNED = 64;
/** An active parent of which nothing is heard for this long is not waited for any more. */
const GONE_MS = 2000;
const ATTEMPTS = 4;

/**
 * Keeps one stripe fed. Three peers can matter: the one the server assigned, the standby, and the one that feeds right now.
 * A new parent replaces the old one only when its chunks flow; a parent that is lost or runs dry is replaced by the
 * standby without asking; the assigned parent takes over again as soon as it delivers. Everybody else is let go.
 */
export class ParentKeeper {
  readonly #held = new Map<string, Held>();
  readonly #retries = new Map<string, { backoff: Backoff; timer?: ReturnType<typeof setTimeout> }>();
  readonly #shunnedUntil = new Map<string, number>();
  #assigned: Assignment | undefined;
  #standby: Assignment | undefined;
  #feeding: Held | undefined;
  #tickedAt: number;
  #hungrySince: number | undefined;
  #newest = { parent: -1n, standby: -1n };
  #closed = false;

  constructor(private readonly options: ParentKeeperOptions) {
    this.#tickedAt = options.now();
  }

  get assigned(): Assignment | undefined {
    return this.#assigned;
  }

  get standbyPeerId(): string | undefined {
    return this.#standby?.peerId;
  }

  /** The standby is connected, so that a lost parent costs nothing but the time to notice it. */
  get standbyOpen(): boolean {
    return this.#standby !== undefined && this.#held.get(this.#standby.peerId)?.link.open === true;
  }

  /** Whose chunks arrive now. */
  get feedingPeerId(): string | undefined {
    return this.#feeding?.link.peerId;
  }

  assign(assignment: Assignment): void {
    if (this.#closed || assignment.version <= this.#newest.parent) return;
    this.#newest.parent = assignment.version;
    this.#assigned = assignment;
    this.#startOver(assignment.peerId);
    this.#use(assignment);
    this.#prune();
    this.options.onChange();
  }

  assignStandby(assignment: Assignment | undefined, version: bigint): void {
    if (this.#closed || version <= this.#newest.standby) return;
    this.#newest.standby = version;
    this.#standby = assignment;
    if (assignment) {
      this.#startOver(assignment.peerId);
      this.#ensure(assignment);
    }
    this.#prune();
    this.options.onChange();
  }

  /** After a new session the server counts from the start; what is connected stays. */
  expectNewVersions(): void {
    this.#newest = { parent: -1n, standby: -1n };
  }

  /** A chunk of this parent has turned out to be the broadcaster's, and is not one that it sent before. */
  delivered(peerId: string): void {
    const held = this.#held.get(peerId);
    if (!held || this.#closed) return;
    held.deliveredAt = this.options.now();
    if (held === this.#feeding) return;
    if (this.#isAssigned(held) || !this.#feeding || this.#isDry(this.#feeding)) {
      this.#feeding = held;
      this.#prune();
      this.options.onChange();
    }
  }

  /** Leaves a parent that broke the rules, and stays away from it for a while whatever the server says, unless there is nobody else. */
  shun(peerId: string, forMs: number): void {
    if (this.#closed) return;
    this.#shunnedUntil.delete(peerId);
    this.#shunnedUntil.set(peerId, this.options.now() + forMs);
    if (this.#shunnedUntil.size > MAX_SHUNNED) this.#shunnedUntil.delete(this.#shunnedUntil.keys().next().value!);
    this.#held.get(peerId)?.link.close();
    if (this.#assigned?.peerId === peerId && !this.#mayBeFed()) this.options.onStranded();
  }

  isShunned(peerId: string): boolean {
    return (this.#shunnedUntil.get(peerId) ?? Number.NEGATIVE_INFINITY) > this.options.now();
  }

  /** True while somebody else, of whom something is heard, was asked for chunks too. */
  othersAsked(peerId: string): boolean {
    return [...this.#held.values()].some((held) => held.link.peerId !== peerId && held.active && held.link.open && !this.#isLost(held));
  }

  /** Called regularly. */
  tick(): void {
    const now = this.options.now();
    const pausedMs = now - this.#tickedAt;
    this.#tickedAt = now;
    // This page itself stood still: what arrived meanwhile has yet to be handed to us.
    if (pausedMs > MAX_OWN_PAUSE_MS) return;
    const feeding = this.#feeding;
    for (const held of [...this.#held.values()]) {
      if (!held.link.open || held === feeding || !this.#isGone(held)) continue;
      // The dead make no new connection: who did, and then gave nothing, is silent on purpose.
      if (held.deliveredAt === undefined && feeding && !this.#isDry(feeding)) this.options.onSilent?.(held.link.peerId);
      // The browser would hold on to a dead connection for many seconds; closing it makes room for a new attempt.
      held.link.close();
    }
    if (!feeding) {
      this.#seekAnybody(now);
      return this.#failOver();
    }
    this.#hungrySince = undefined;
    if (this.#isDry(feeding)) this.#failOver();
    // A standby that was asked while the parent had a hiccup would go on sending what nobody needs.
    else this.#prune();
    const assigned = this.#assigned && this.#held.get(this.#assigned.peerId);
    if (assigned && assigned !== feeding && this.#isIdle(assigned) && !this.#isDry(feeding)) this.options.onSilent?.(assigned.link.peerId);
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#retries.values()) clearTimeout(timer);
    for (const { link } of [...this.#held.values()]) link.close();
    this.#held.clear();
    this.#feeding = undefined;
  }

  #isAssigned(held: Held): boolean {
    return held.link.peerId === this.#assigned?.peerId;
  }

  /** Nothing is heard of it any more. */
  #isLost(held: Held): boolean {
    const now = this.options.now();
    return held.active && held.pulse.silentFor(now, held.activeSince) > held.pulse.limitMs(this.options.silenceMs, now);
  }

  /** Longer than any hiccup. */
  #isGone(held: Held): boolean {
    return held.active && held.pulse.silentFor(this.options.now(), held.activeSince) > GONE_MS;
  }

  /** It has no chunks for us, whether it lives or not. */
  #isDry(held: Held): boolean {
    return this.#isLost(held) || this.options.now() - (held.deliveredAt ?? held.activeSince) > STARVED_MS;
  }

  #isIdle(held: Held): boolean {
    return held.active && held.link.open && this.options.now() - Math.max(held.deliveredAt ?? 0, held.activeSince) > IDLE_MS;
  }

  /**
   * The server names a peer anew when its session moved to another replica. An offer that went to the old one, or whose answer did, is
   * lost, and would be waited for as long as a slow network may take.
   */
  #startOver(peerId: string): void {
    this.#forgetRetry(peerId);
    const held = this.#held.get(peerId);
    if (!held || held.link.open || held.link.answered) return;
    held.link.close();
    // It would be tried again later; whoever calls this does it now.
    this.#forgetRetry(peerId);
  }

  /** Connects if need be and asks for chunks as soon as that is possible. */
  #use(assignment: Assignment): void {
    const held = this.#ensure(assignment);
    if (!held?.link.open) return;
    this.options.onConnected?.(assignment.peerId);
    this.#activate(held);
  }

  #ensure(assignment: Assignment): Held | undefined {
    if (this.isShunned(assignment.peerId)) return undefined;
    const existing = this.#held.get(assignment.peerId);
    if (existing) return existing;
    const { options } = this;
    const { peerId } = assignment;
    const pulse = new Pulse();
    // The link may call back while it is being made, so its entry is looked up by the events and not captured.
    let held: Held | undefined;
    const link = options.connect(assignment, {
      opened: () => held && this.#opened(held),
      heard: () => pulse.beat(options.now()),
      chunk: (bytes) => options.onChunk(bytes, peerId),
      gap: (from, to) => options.onGap(from, to, peerId),
      key: (certificate) => options.onKey(certificate, peerId),
      closed: () => held && this.#lost(held),
    });
    held = { link, pulse, active: false, activeSince: 0, deliveredAt: undefined };
    this.#held.set(peerId, held);
    return held;
  }

  #activate(held: Held): void {
    if (held.active) return;
    held.active = true;
    held.activeSince = this.options.now();
    held.pulse.rest();
    const from = this.options.nextSequence();
    this.options.onAsked?.(held.link.peerId, from);
    held.link.activate(from);
  }

  #opened(held: Held): void {
    this.#forgetRetry(held.link.peerId);
    if (this.#isAssigned(held)) this.options.onConnected?.(held.link.peerId);
    const isNeeded = !this.#feeding || this.#isDry(this.#feeding);
    if (this.#isAssigned(held) || isNeeded) this.#activate(held);
    else held.link.standBy();
    this.options.onChange();
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

  /** Connects to whom the server named and who is neither connected nor tried again already. */
  #seekAnybody(now: number): void {
    this.#hungrySince ??= now;
    for (const assignment of [this.#assigned, this.#standby]) {
      if (!assignment || this.#held.has(assignment.peerId) || this.#retries.has(assignment.peerId)) continue;
      if (now - this.#hungrySince > FORGIVE_MS) this.#shunnedUntil.delete(assignment.peerId);
      this.#ensure(assignment);
    }
  }

  #mayBeFed(): boolean {
    return [this.#assigned, this.#standby].some((assignment) => assignment && !this.isShunned(assignment.peerId));
  }

  #wanted(peerId: string): Assignment | undefined {
    if (this.isShunned(peerId)) return undefined;
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
      if (held === this.#feeding || this.#isAssigned(held)) continue;
      if (peerId === this.#standby?.peerId) {
        const needed = !this.#feeding || this.#isDry(this.#feeding);
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
