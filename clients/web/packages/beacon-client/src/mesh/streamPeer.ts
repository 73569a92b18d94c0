import { GopCache } from '../chunks/cache';
import { ChunkFormatError, decodeChunk, startsGroup, type Bytes, type Chunk } from '../chunks/header';
import { Resequencer } from '../chunks/resequencer';
import type { ServerFramePayload, SignalingSocket } from '../signaling/socket';
import type { Signal } from '../gen/beacon/signaling/v1/frames_pb';
import { ChallengeBook } from './challenges';
import { ChildLink } from './childLink';
import { EdgeCounters } from './counters';
import { ParentKeeper } from './parentKeeper';
import { ParentLink, type Parent } from './parentLink';
import { TicketVerifier } from './tickets';

export interface StreamPeerOptions {
  socket: SignalingSocket;
  streamId: string;
  peerId: string;
  bitrateKbps: number;
  iceServers: RTCIceServer[];
  silenceMs: number;
  connectTimeoutMs: number;
  /** A chunk in order, for playback. Not called on the root. */
  onOrdered: (chunk: Chunk) => void;
  onChange: () => void;
  onWaiting: (position: number, estimateMs: number) => void;
  onStranded: () => void;
}

export interface ChildView {
  peerId: string;
  stripe: number;
  active: boolean;
  bytesSent: number;
  skippedChunks: number;
}

interface Stripe {
  readonly cache: GopCache;
  readonly order: Resequencer;
  readonly parents: ParentKeeper;
}

/** A full channel can stall for seconds, so a child holds at most two seconds of the stream back, within these bounds. */
const MIN_BUFFERED_BYTES = 256 * 1024;
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;
/** The server grants slots; this only bounds what a server that went wrong could make of a peer. */
const MAX_CHILD_LINKS = 32;
const MAX_STRIPES = 16;
/** A server that goes down takes its peers out one by one; its last directives must not cut those that it can no longer place. */
const MIN_DRAIN_MS = 1000;
const TICK_MS = 50;

/**
 * One peer in one stream's trees: takes chunks from its parents, or from the encoder on the root, keeps the last groups of
 * pictures, and forwards every new chunk unchanged to all children at once.
 */
export class StreamPeer {
  readonly receipts = new EdgeCounters();
  readonly challenges = new ChallengeBook();
  readonly #stripes = new Map<number, Stripe>();
  readonly #children = new Map<string, ChildLink>();
  readonly #claims = new EdgeCounters();
  readonly #inboxes = new Map<string, Promise<void>>();
  readonly #drains = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #ticker: ReturnType<typeof setInterval>;
  #bytesRelayed = 0;
  #malformedChunks = 0;
  #verifier: { jwk: string; tickets: TicketVerifier } | undefined;
  #closed = false;

  constructor(private readonly options: StreamPeerOptions) {
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  get streamId(): string {
    return this.options.streamId;
  }

  get peerId(): string {
    return this.options.peerId;
  }

  get malformedChunks(): number {
    return this.#malformedChunks;
  }

  get bytesRelayed(): number {
    this.#collectClaims();
    return this.#bytesRelayed;
  }

  get children(): ChildView[] {
    return [...this.#children.values()].map((link) => ({
      peerId: link.peerId,
      stripe: link.stripe,
      active: link.feed?.active ?? false,
      bytesSent: link.bytesSent,
      skippedChunks: link.feed?.skippedChunks ?? 0,
    }));
  }

  get parents(): { stripe: number; keeper: ParentKeeper }[] {
    return [...this.#stripes].map(([stripe, { parents }]) => ({ stripe, keeper: parents }));
  }

  /** What was sent to each child, for the report. */
  claims() {
    this.#collectClaims();
    return this.#claims.list();
  }

  /** The root's way in: a chunk of its own encoder. Returns the digest to announce when a group begins. */
  publish(bytes: Bytes): { chunk: Chunk; digest: Promise<Bytes> | undefined } {
    const chunk = decodeChunk(bytes);
    this.#forward(chunk);
    return { chunk, digest: this.challenges.note(chunk) };
  }

  /** Round trip to the parent of stripe 0 in milliseconds, undefined without one. */
  async roundTripMs(): Promise<number | undefined> {
    const link = this.#parentLinks.get(`0/${this.#stripes.get(0)?.parents.feedingPeerId}`);
    return await link?.roundTripMs();
  }

  /** A new session of the socket: the server's versions start over, the connections to other peers go on. */
  sessionRenewed(): void {
    for (const { parents } of this.#stripes.values()) parents.expectNewVersions();
  }

  /** Frames of the server about this stream. */
  handle(frame: ServerFramePayload): void {
    switch (frame.case) {
      case 'parentAssigned': {
        const { stripe, parentPeerId, ticket, version, depth } = frame.value;
        this.#stripe(stripe)?.parents.assign({ peerId: parentPeerId, ticket, version, depth });
        return;
      }
      case 'standbyAssigned': {
        const { stripe, standbyPeerId, ticket, version } = frame.value;
        const assignment = standbyPeerId ? { peerId: standbyPeerId, ticket, version, depth: 0 } : undefined;
        this.#stripe(stripe)?.parents.assignStandby(assignment, version);
        return;
      }
      case 'childAssigned':
        // The child brings its ticket with the offer; all there is to do is not to drop it any more.
        this.#cancelDrain(`${frame.value.stripe}/${frame.value.childPeerId}`);
        return;
      case 'childRemoved':
        this.#drain(`${frame.value.stripe}/${frame.value.childPeerId}`, frame.value.drainMs);
        return;
      case 'challenge':
        this.challenges.pose(frame.value);
        return;
      case 'waiting':
        this.options.onWaiting(frame.value.position, frame.value.estimateMs);
        return;
      case 'signal':
        this.#enqueue(frame.value);
        return;
      default:
        return;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#ticker);
    for (const timer of this.#drains.values()) clearTimeout(timer);
    for (const { parents } of this.#stripes.values()) parents.close();
    for (const link of [...this.#children.values()]) link.close();
  }

  readonly #parentLinks = new Map<string, ParentLink>();

  #tick(): void {
    const now = performance.now();
    for (const { order, parents } of this.#stripes.values()) {
      parents.tick();
      order.tick(now);
    }
  }

  #stripe(number: number): Stripe | undefined {
    const existing = this.#stripes.get(number);
    if (existing || number >= MAX_STRIPES || this.#closed) return existing;
    const order = new Resequencer(this.options.onOrdered);
    const parents = new ParentKeeper({
      connect: ({ peerId, ticket }, events) => this.#connect(number, peerId, ticket, events),
      nextSequence: () => order.nextSequence,
      onChunk: (bytes, parentPeerId) => this.#receive(bytes, parentPeerId, number),
      onGap: (from, to) => order.giveUp(from, to, performance.now()),
      onChange: this.options.onChange,
      onStranded: this.options.onStranded,
      silenceMs: this.options.silenceMs,
      now: () => performance.now(),
    });
    const stripe: Stripe = { cache: new GopCache(), order, parents };
    this.#stripes.set(number, stripe);
    return stripe;
  }

  #connect(stripe: number, peerId: string, ticket: string, events: ConstructorParameters<typeof ParentLink>[1]): Parent {
    const { iceServers, connectTimeoutMs } = this.options;
    const key = `${stripe}/${peerId}`;
    const link: ParentLink = new ParentLink(
      {
        peerId,
        stripe,
        iceServers,
        connectTimeoutMs,
        sendOffer: (sdp) => this.#signal(peerId, stripe, { case: 'offer', value: sdp }, ticket),
        sendCandidate: (candidate) => this.#signal(peerId, stripe, { case: 'candidate', value: candidate }),
      },
      {
        ...events,
        closed: () => {
          if (this.#parentLinks.get(key) === link) this.#parentLinks.delete(key);
          events.closed();
        },
      },
    );
    this.#parentLinks.set(key, link);
    return link;
  }

  #receive(bytes: Bytes, parentPeerId: string, stripe: number): void {
    let chunk: Chunk;
    try {
      chunk = decodeChunk(bytes);
    } catch (error) {
      if (!(error instanceof ChunkFormatError)) throw error;
      this.#malformedChunks += 1;
      return;
    }
    if (chunk.streamId !== this.streamId || chunk.stripe !== stripe) {
      this.#malformedChunks += 1;
      return;
    }
    this.receipts.add(parentPeerId, stripe, bytes.length);
    if (!this.#forward(chunk)) return;
    void this.challenges.note(chunk);
    this.#stripe(stripe)?.order.push(chunk, performance.now());
  }

  /** False for a chunk that was seen before: it is neither forwarded nor played again. */
  #forward(chunk: Chunk): boolean {
    if (!this.#stripe(chunk.stripe)?.cache.add(chunk)) return false;
    for (const child of this.#children.values()) {
      if (child.stripe === chunk.stripe) child.feed?.offer(chunk);
    }
    if (startsGroup(chunk)) this.options.onChange();
    return true;
  }

  #signal(peerId: string, stripe: number, payload: Signal['payload'], ticket = ''): void {
    this.options.socket.send({
      case: 'signal',
      value: { streamId: this.streamId, peerId, stripe, payload, ticket },
    });
  }

  /** One after the other per peer, so that a candidate never overtakes the offer whose ticket is still being checked. */
  #enqueue(signal: Signal): void {
    const former = this.#inboxes.get(signal.peerId) ?? Promise.resolve();
    const next = former.then(() => this.#handleSignal(signal)).catch(() => undefined);
    this.#inboxes.set(signal.peerId, next);
    void next.then(() => {
      if (this.#inboxes.get(signal.peerId) === next) this.#inboxes.delete(signal.peerId);
    });
  }

  async #handleSignal({ peerId, stripe, payload, ticket }: Signal): Promise<void> {
    if (this.#closed) return;
    const key = `${stripe}/${peerId}`;
    switch (payload.case) {
      case 'offer':
        await this.#accept(peerId, stripe, payload.value, ticket);
        return;
      case 'answer':
        await this.#parentLinks.get(key)?.answered(payload.value);
        return;
      case 'candidate':
        // While two peers change places each can be the other's parent; the ICE credentials sort out whose candidate it is.
        await this.#parentLinks.get(key)?.addCandidate(payload.value);
        await this.#children.get(key)?.addCandidate(payload.value);
        return;
      default:
        return;
    }
  }

  async #accept(peerId: string, stripe: number, offer: string, ticket: string): Promise<void> {
    const edge = { stream: this.streamId, stripe, parent: this.peerId, child: peerId };
    if (!(await this.#tickets()?.grants(ticket, edge, Date.now()))) return;
    const key = `${stripe}/${peerId}`;
    const cache = this.#stripe(stripe)?.cache;
    if (!cache || this.#closed) return;
    // A child that offers again has lost the former connection.
    this.#children.get(key)?.close();
    if (this.#children.size >= MAX_CHILD_LINKS) return;
    const link: ChildLink = new ChildLink({
      peerId,
      stripe,
      cache,
      iceServers: this.options.iceServers,
      maxBufferedBytes: Math.min(MAX_BUFFERED_BYTES, Math.max(MIN_BUFFERED_BYTES, this.options.bitrateKbps * 250)),
      sendAnswer: (sdp) => this.#signal(peerId, stripe, { case: 'answer', value: sdp }),
      sendCandidate: (candidate) => this.#signal(peerId, stripe, { case: 'candidate', value: candidate }),
      onChange: this.options.onChange,
      onClosed: () => {
        this.#collectClaim(link);
        if (this.#children.get(key) === link) this.#children.delete(key);
        this.options.onChange();
      },
    });
    this.#children.set(key, link);
    try {
      await link.accept(offer);
    } catch {
      link.close();
    }
  }

  #tickets(): TicketVerifier | undefined {
    const jwk = this.options.socket.welcome?.ticketKeyJwk;
    if (jwk && jwk !== this.#verifier?.jwk) this.#verifier = { jwk, tickets: new TicketVerifier(jwk) };
    return this.#verifier?.tickets;
  }

  #drain(key: string, drainMs: number): void {
    this.#cancelDrain(key);
    this.#drains.set(
      key,
      setTimeout(
        () => {
          this.#drains.delete(key);
          // Without a session the child cannot be told another parent; it closes by itself when it has one.
          if (this.options.socket.state === 'open') this.#children.get(key)?.close();
        },
        Math.max(drainMs, MIN_DRAIN_MS),
      ),
    );
  }

  #cancelDrain(key: string): void {
    clearTimeout(this.#drains.get(key));
    this.#drains.delete(key);
  }

  #collectClaims(): void {
    for (const link of this.#children.values()) this.#collectClaim(link);
  }

  #collectClaim(link: ChildLink): void {
    const grown = link.takeBytesSent();
    if (grown <= 0) return;
    this.#claims.add(link.peerId, link.stripe, grown);
    this.#bytesRelayed += grown;
  }
}
