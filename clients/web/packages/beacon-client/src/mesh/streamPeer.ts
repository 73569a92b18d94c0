import { GopCache } from '../chunks/cache';
import { decodeChunk, startsGroup, type Bytes, type Chunk } from '../chunks/header';
import { Resequencer } from '../chunks/resequencer';
import { sameBytes } from '../chunks/signing';
import { ChunkVerifier, type Verdict } from '../chunks/verifier';
import type { Signal } from '../gen/beacon/signaling/v1/frames_pb';
import type { ServerFramePayload, SignalingSocket } from '../signaling/socket';
import { everyTick } from '../ticker';
import { ChallengeBook } from './challenges';
import { ChildLink } from './childLink';
import { Conduct, type Misdeed } from './conduct';
import { EdgeCounters } from './counters';
import { ParentKeeper } from './parentKeeper';
import { ParentLink, type Parent } from './parentLink';
import type { RtcFactory } from './peerConnection';
import { StreamKeys } from './streamKeys';
import { ServerKey, TicketKey, type EdgeTicket } from './tickets';
import { Uplink } from './uplink';

export interface StreamPeerOptions {
  socket: SignalingSocket;
  streamId: string;
  peerId: string;
  bitrateKbps: number;
  /** What this machine is believed to send, in Mbit/s, until it is measured. */
  uplinkMbps: number;
  rtc: RtcFactory;
  iceServers: RTCIceServer[];
  silenceMs: number;
  connectTimeoutMs: number;
  /** A chunk in order, for playback. Not called on the root. */
  onOrdered: (chunk: Chunk) => void;
  /** Called every tick, with the stripes there are. */
  onTick?: (stripes: Iterable<number>) => void;
  onChange: () => void;
  onWaiting: (position: number, estimateMs: number) => void;
  onStranded: () => void;
  /** A parent broke the rules and was left. */
  onFault?: (fault: ParentFault) => void;
}

/** A parent that this peer left, and why. */
export interface ParentFault {
  /** The peer, a UUID. */
  peerId: string;
  /** The tree of the stream, from 0. */
  stripe: number;
  /** What it did. */
  kind: Misdeed;
}

/** One child of this peer. */
export interface ChildView {
  /** The peer, a UUID. */
  peerId: string;
  /** The tree of the stream, from 0. */
  stripe: number;
  /** It is being fed; false while it only stands by. */
  active: boolean;
  /** What has left for it. */
  bytesSent: number;
  /** Chunks that it was not sent because it was too slow. */
  skippedChunks: number;
  /** Gets key frames only, because it cannot take more. */
  slow: boolean;
}

interface Stripe {
  readonly cache: GopCache;
  readonly order: Resequencer;
  readonly parents: ParentKeeper;
  /** Chunks are checked side by side, and taken in the order in which they came. */
  tail: Promise<void>;
}

/** A channel holds at most a quarter second of the stream, or this: what waits there can be neither left out nor overtaken. */
const MIN_BUFFERED_BYTES = 64 * 1024;
/** Below this much more than the stream's bitrate the pacer never goes. */
const MIN_PACE = 1.2;
const MAX_FAULTS = 16;
/** Announced gaps from one parent after the other are this peer's own doing: it takes in too little. */
const OWN_LOSS_MS = 60_000;
/** For how long a parent is not connected to that did what no honest one does, and one that only served badly. */
const SHUN_MS = { malice: 60_000, weakness: 10_000 };
/** A page that stands still for this long has no right to call others slow, for as long. */
const OWN_PAUSE_MS = 200;
const OWN_WEAKNESS_MS = 10_000;
/** The server grants slots; this only bounds what a server that went wrong could make of a peer. */
const MAX_CHILD_LINKS = 32;
const MAX_STRIPES = 16;
/** A server that goes down takes its peers out one by one; its last directives must not cut those that it can no longer place. */
const MIN_DRAIN_MS = 1000;

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
  readonly #conducts = new Map<string, Conduct>();
  readonly #faults: ParentFault[] = [];
  readonly #stopTicking: () => void;
  readonly #uplink: Uplink;
  #bytesRelayed = 0;
  #malformedChunks = 0;
  #serverKey: ServerKey | undefined;
  #ticketKey: TicketKey | undefined;
  #lossAt = Number.NEGATIVE_INFINITY;
  #tickedAt = performance.now();
  /** When this page last stood still. */
  #pausedAt = Number.NEGATIVE_INFINITY;
  #closed = false;
  readonly keys: StreamKeys;
  readonly #verifier: ChunkVerifier;

  constructor(private readonly options: StreamPeerOptions) {
    const { streamId, bitrateKbps, uplinkMbps } = options;
    this.keys = new StreamKeys(
      streamId,
      () => this.#trust(),
      (certificate) => {
        for (const child of this.#children.values()) child.announce(certificate);
      },
    );
    this.#verifier = new ChunkVerifier((first) => this.keys.signed(first));
    this.#uplink = new Uplink({
      assumedBytesPerSecond: (uplinkMbps * 1_000_000) / 8,
      minBytesPerSecond: MIN_PACE * ((bitrateKbps * 1000) / 8),
      now: () => performance.now(),
    });
    this.#stopTicking = everyTick(() => this.#tick());
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
      slow: link.feed?.slow ?? false,
    }));
  }

  /** What the uplink was seen to carry, in Mbit/s; undefined while nothing ever had to wait for it. */
  get measuredUplinkMbps(): number | undefined {
    return toMbps(this.#uplink.measuredBytesPerSecond);
  }

  /** The same, where it is surely this machine's link and not a single child's. */
  get linkMbps(): number | undefined {
    return toMbps(this.#uplink.linkBytesPerSecond);
  }

  /** Chunks that playback went on without. */
  get chunksMissed(): number {
    return [...this.#stripes.values()].reduce((sum, { order }) => sum + order.missed, 0);
  }

  /** The parents that were left since this was asked last, for the report. */
  takeFaults(): ParentFault[] {
    return this.#faults.splice(0);
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

  /** The key of tickets to this peer, from the answer to its join; empty when the server has none. */
  takeTicketKey(key: Uint8Array): void {
    this.#ticketKey = key.length > 0 ? new TicketKey(new Uint8Array(key)) : undefined;
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
    this.#stopTicking();
    for (const timer of this.#drains.values()) clearTimeout(timer);
    for (const { parents } of this.#stripes.values()) parents.close();
    for (const link of [...this.#children.values()]) link.close();
  }

  readonly #parentLinks = new Map<string, ParentLink>();

  #tick(): void {
    const now = performance.now();
    if (now - this.#tickedAt > OWN_PAUSE_MS) this.#pausedAt = now;
    this.#tickedAt = now;
    for (const { order, parents } of this.#stripes.values()) {
      parents.tick();
      order.tick(now);
    }
    this.options.onTick?.(this.#stripes.keys());
    const feeds = [...this.#children.values()].flatMap(({ feed }) => (feed?.active ? feed : []));
    this.#uplink.observe(feeds);
    // Who has least to wait for is served first: a newcomer that catches up never delays the others.
    for (const feed of feeds.sort((a, b) => a.lag - b.lag)) feed.pump();
  }

  #stripe(number: number): Stripe | undefined {
    const existing = this.#stripes.get(number);
    if (existing || number >= MAX_STRIPES || this.#closed) return existing;
    const order = new Resequencer((chunk) => this.#deliver(chunk));
    const parents = new ParentKeeper({
      connect: ({ peerId, ticket }, events) => this.#connect(number, peerId, ticket, events),
      nextSequence: () => order.nextSequence,
      onChunk: (bytes, parentPeerId) => this.#receive(bytes, parentPeerId, number),
      onGap: (from, to, parentPeerId) => this.#missing(from, to, parentPeerId, number),
      onKey: (certificate) => void this.keys.add(certificate),
      onAsked: (parentPeerId, from) => this.#conduct(parentPeerId, number).asked(from),
      // A receipt of nothing tells the server from a peer that has not reached its parent yet.
      onConnected: (parentPeerId) => this.receipts.add(parentPeerId, number, 0, 0),
      onSilent: (parentPeerId) => this.#leaveWeak(parentPeerId, number, 'silence'),
      onChange: this.options.onChange,
      onStranded: this.options.onStranded,
      silenceMs: this.options.silenceMs,
      now: () => performance.now(),
    });
    const stripe: Stripe = { cache: new GopCache(), order, parents, tail: Promise.resolve() };
    this.#stripes.set(number, stripe);
    return stripe;
  }

  #connect(stripe: number, peerId: string, ticket: string, events: ConstructorParameters<typeof ParentLink>[1]): Parent {
    const { rtc, iceServers, connectTimeoutMs } = this.options;
    const key = `${stripe}/${peerId}`;
    const link: ParentLink = new ParentLink(
      {
        peerId,
        stripe,
        rtc,
        iceServers,
        connectTimeoutMs,
        sendOffer: (sdp) => this.#signal(peerId, stripe, { case: 'offer', value: sdp }, ticket),
        sendCandidate: (candidate) => this.#signal(peerId, stripe, { case: 'candidate', value: candidate }),
      },
      {
        ...events,
        closed: () => {
          if (this.#parentLinks.get(key) === link) {
            this.#parentLinks.delete(key);
            this.#conducts.delete(key);
          }
          events.closed();
        },
      },
    );
    this.#parentLinks.set(key, link);
    return link;
  }

  #receive(bytes: Bytes, parentPeerId: string, number: number): void {
    const stripe = this.#stripes.get(number);
    if (!stripe) return;
    const chunk = this.#decode(bytes, number);
    if (!chunk) {
      this.#malformedChunks += 1;
      return this.#leave(parentPeerId, number, 'bad_chunk');
    }
    const misdeed = this.#conduct(parentPeerId, number).chunk(chunk.sequence);
    if (misdeed === 'repeat') return;
    if (misdeed) return this.#leave(parentPeerId, number, misdeed);
    const known = stripe.cache.get(chunk.sequence);
    if (known || chunk.sequence < stripe.cache.floor) {
      // Two parents overlap for a moment. What is known to be true counts as received, the rest cannot be told any more.
      if (known && sameBytes(known.bytes, bytes)) this.#credit(parentPeerId, number, bytes);
      else if (known) this.#leave(parentPeerId, number, 'bad_chunk');
      return;
    }
    const verdict = this.#verifier.check(chunk).catch((): Verdict => 'unknown');
    stripe.tail = stripe.tail.then(async () => this.#take(stripe, chunk, parentPeerId, await verdict));
  }

  /** A chunk whose origin has been checked. Nothing else is forwarded, played, or counted. */
  #take(stripe: Stripe, chunk: Chunk, parentPeerId: string, verdict: Verdict): void {
    if (this.#closed) return;
    if (verdict !== 'good') {
      // Without a key nothing can be told; it comes before the first chunk, or a better parent does.
      const isForged = verdict === 'bad' && this.keys.certificates.length > 0;
      const misdeed = isForged ? 'bad_chunk' : this.#conducts.get(`${chunk.stripe}/${parentPeerId}`)?.unknown();
      if (misdeed) this.#leave(parentPeerId, chunk.stripe, misdeed);
      return;
    }
    this.#credit(parentPeerId, chunk.stripe, chunk.bytes);
    stripe.order.push(chunk, performance.now());
  }

  /** Children are given what this peer would play, in the same order: a hole that may still be filled is not theirs to worry about. */
  #deliver(chunk: Chunk): void {
    this.#forward(chunk);
    void this.challenges.note(chunk);
    this.options.onOrdered(chunk);
  }

  #credit(parentPeerId: string, stripe: number, bytes: Bytes): void {
    this.receipts.add(parentPeerId, stripe, bytes.length);
    this.#stripes.get(stripe)?.parents.delivered(parentPeerId);
  }

  #decode(bytes: Bytes, stripe: number): Chunk | undefined {
    try {
      const chunk = decodeChunk(bytes);
      return chunk.streamId === this.streamId && chunk.stripe === stripe ? chunk : undefined;
    } catch {
      return undefined;
    }
  }

  /** A parent says that it cannot serve these. */
  #missing(from: number, to: number, parentPeerId: string, number: number): void {
    const now = performance.now();
    const stripe = this.#stripes.get(number);
    if (!stripe) return;
    const misdeed = this.#conduct(parentPeerId, number).gap(from, to, now);
    // Chunks that came before it are still being checked. What one parent lacks another one that was asked may have: then the hole is waited for.
    stripe.tail = stripe.tail.then(() => {
      if (!stripe.parents.othersAsked(parentPeerId)) stripe.order.giveUp(from, to, performance.now());
    });
    if (!misdeed) return;
    const isOwn = now - this.#lossAt < OWN_LOSS_MS;
    this.#lossAt = now;
    if (!isOwn) this.#leaveWeak(parentPeerId, number, misdeed);
  }

  #conduct(parentPeerId: string, stripe: number): Conduct {
    const key = `${stripe}/${parentPeerId}`;
    const conduct = this.#conducts.get(key) ?? new Conduct();
    this.#conducts.set(key, conduct);
    return conduct;
  }

  /** What may be this machine's own doing is no reason while it is short of breath itself. */
  #leaveWeak(parentPeerId: string, stripe: number, kind: Misdeed): void {
    if (performance.now() - this.#pausedAt > OWN_WEAKNESS_MS) this.#leave(parentPeerId, stripe, kind, SHUN_MS.weakness);
  }

  #leave(parentPeerId: string, stripe: number, kind: Misdeed, forMs = SHUN_MS.malice): void {
    const parents = this.#stripes.get(stripe)?.parents;
    if (!parents || parents.isShunned(parentPeerId)) return;
    const fault = { peerId: parentPeerId, stripe, kind };
    if (this.#faults.length < MAX_FAULTS) this.#faults.push(fault);
    parents.shun(parentPeerId, forMs);
    this.options.onFault?.(fault);
  }

  #forward(chunk: Chunk): void {
    if (!this.#stripe(chunk.stripe)?.cache.add(chunk)) return;
    for (const child of this.#children.values()) {
      if (child.stripe === chunk.stripe) child.feed?.offer(chunk);
    }
    if (startsGroup(chunk)) this.options.onChange();
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
        await this.#parentLinks.get(key)?.takeAnswer(payload.value);
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
    if (!(await this.#isGranted(ticket, edge))) return;
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
      rtc: this.options.rtc,
      iceServers: this.options.iceServers,
      maxBufferedBytes: Math.max(MIN_BUFFERED_BYTES, (this.options.bitrateKbps * 1000) / 8 / 4),
      pacer: this.#uplink.pacer,
      certificates: () => this.keys.certificates,
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

  /** By this peer's own key or the server's: whichever the ticket was made with. */
  async #isGranted(ticket: string, edge: Omit<EdgeTicket, 'exp'>): Promise<boolean> {
    for (const key of [this.#ticketKey, this.#trust()]) {
      if (await key?.grants(ticket, edge, Date.now())) return true;
    }
    return false;
  }

  /** The server's key, also while there is no session. */
  #trust(): ServerKey | undefined {
    const jwk = this.options.socket.welcome?.ticketKeyJwk;
    if (jwk && jwk !== this.#serverKey?.jwk) this.#serverKey = new ServerKey(jwk);
    return this.#serverKey;
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

function toMbps(bytesPerSecond: number | undefined): number | undefined {
  return bytesPerSecond === undefined ? undefined : (bytesPerSecond * 8) / 1_000_000;
}
