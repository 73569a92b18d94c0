import type { GopCache } from '../chunks/cache';
import { ChildFeed } from './childFeed';
import { parseControl, type ParentControl } from './control';
import type { Pacer } from './pacer';
import { PeerConnection, type RtcFactory } from './peerConnection';
import { trySend } from './trySend';

export interface ChildLinkOptions {
  peerId: string;
  stripe: number;
  cache: GopCache;
  rtc: RtcFactory;
  iceServers: RTCIceServer[];
  maxBufferedBytes: number;
  pacer: Pacer;
  /** The certificates of the keys that sign the stream. */
  certificates: () => readonly string[];
  sendAnswer: (sdp: string) => void;
  sendCandidate: (candidate: string) => void;
  onChange: () => void;
  onClosed: () => void;
}

/** The parent's side of one edge: answers the child's offer and feeds it. */
export class ChildLink {
  readonly #connection: PeerConnection;
  #channel: RTCDataChannel | undefined;
  #feed: ChildFeed | undefined;
  #bytesSent = 0;
  #reportedBytes = 0;

  constructor(private readonly options: ChildLinkOptions) {
    this.#connection = new PeerConnection(options.rtc, options.iceServers, options.sendCandidate, () => {
      this.#bytesSent = this.bytesSent;
      this.#feed = undefined;
      options.onClosed();
    });
    this.#connection.rtc.ondatachannel = ({ channel }) => this.#attach(channel);
  }

  get peerId(): string {
    return this.options.peerId;
  }

  get stripe(): number {
    return this.options.stripe;
  }

  get feed(): ChildFeed | undefined {
    return this.#feed;
  }

  get bytesSent(): number {
    return Math.max(this.#bytesSent, this.#feed?.bytesSent ?? 0);
  }

  /** What was sent since this was asked last. */
  takeBytesSent(): number {
    const bytes = this.bytesSent;
    const grown = bytes - this.#reportedBytes;
    this.#bytesSent = bytes;
    this.#reportedBytes = bytes;
    return grown;
  }

  async accept(offer: string): Promise<void> {
    const { rtc } = this.#connection;
    await this.#connection.setRemote({ type: 'offer', sdp: offer });
    await rtc.setLocalDescription(await rtc.createAnswer());
    this.options.sendAnswer(rtc.localDescription!.sdp);
  }

  addCandidate(candidate: string): Promise<void> {
    return this.#connection.addCandidate(candidate);
  }

  /** Tells the child whose signature to trust; the server has signed it, so it need not trust us. */
  announce(certificate: string): void {
    if (this.#channel) trySend(this.#channel, JSON.stringify({ type: 'key', certificate } satisfies ParentControl));
  }

  close(): void {
    this.#connection.close();
  }

  #attach(channel: RTCDataChannel): void {
    // One channel per edge; a second one would be a second feed to the same child.
    if (this.#feed || channel.label !== 'beacon') return channel.close();
    const { cache, stripe, maxBufferedBytes, pacer, certificates } = this.options;
    const feed = new ChildFeed(channel, cache, { stripe, maxBufferedBytes, pacer, now: () => performance.now() });
    this.#channel = channel;
    this.#feed = feed;
    channel.bufferedAmountLowThreshold = maxBufferedBytes / 2;
    channel.onbufferedamountlow = () => feed.pump();
    const greet = () => certificates().forEach((certificate) => this.announce(certificate));
    if (channel.readyState === 'open') greet();
    else channel.onopen = greet;
    channel.onclose = () => this.close();
    channel.onmessage = ({ data }) => {
      const control = typeof data === 'string' ? parseControl(data) : undefined;
      if (control?.type === 'active') feed.activate();
      else if (control?.type === 'standby') feed.pause();
      else if (control?.type === 'from' && control.stripe === stripe) feed.seek(control.sequence);
      else return;
      this.options.onChange();
    };
    this.options.onChange();
  }
}
