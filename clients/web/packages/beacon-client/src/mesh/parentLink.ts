import type { Bytes } from '../chunks/header';
import { parseControl, type ChildControl } from './control';
import { PeerConnection, type RtcFactory } from './peerConnection';
import { trySend } from './trySend';

export interface ParentLinkEvents {
  opened: () => void;
  /** Anything at all arrived: the parent lives. */
  heard: () => void;
  chunk: (bytes: Bytes) => void;
  gap: (from: number, to: number) => void;
  key: (certificate: string) => void;
  /** Once, whoever closed it. */
  closed: () => void;
}

/** The child's side of one edge, as the keeper of parents sees it. Tests put a fake in its place. */
export interface Parent {
  readonly peerId: string;
  readonly open: boolean;
  /** The other side has replied to the offer. */
  readonly answered: boolean;
  /** Asks for chunks, from a sequence number on or else from the current group of pictures. */
  activate(from: number | undefined): void;
  standBy(): void;
  close(): void;
}

export interface ParentLinkOptions {
  peerId: string;
  stripe: number;
  rtc: RtcFactory;
  iceServers: RTCIceServer[];
  /** An edge that has not opened by then is given up, in milliseconds. */
  connectTimeoutMs: number;
  sendOffer: (sdp: string) => void;
  sendCandidate: (candidate: string) => void;
}

export class ParentLink implements Parent {
  readonly #connection: PeerConnection;
  readonly #channel: RTCDataChannel;
  readonly #connectTimer: ReturnType<typeof setTimeout>;
  answered = false;

  constructor(
    private readonly options: ParentLinkOptions,
    private readonly events: ParentLinkEvents,
  ) {
    this.#connection = new PeerConnection(options.rtc, options.iceServers, options.sendCandidate, () => {
      clearTimeout(this.#connectTimer);
      events.closed();
    });
    this.#channel = this.#connection.rtc.createDataChannel('beacon', { ordered: true });
    this.#channel.binaryType = 'arraybuffer';
    this.#channel.onopen = () => {
      clearTimeout(this.#connectTimer);
      events.opened();
    };
    this.#channel.onclose = () => this.close();
    this.#channel.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.#receive(data);
    this.#connectTimer = setTimeout(() => this.close(), options.connectTimeoutMs);
    void this.#offer();
  }

  get peerId(): string {
    return this.options.peerId;
  }

  get open(): boolean {
    return this.#channel.readyState === 'open';
  }

  activate(from: number | undefined): void {
    if (from !== undefined) this.#say({ type: 'from', stripe: this.options.stripe, sequence: from });
    this.#say({ type: 'active' });
  }

  standBy(): void {
    this.#say({ type: 'standby' });
  }

  async takeAnswer(sdp: string): Promise<void> {
    // Two of them: the first was to an offer before this link's, and has taken the place of the one that fits. A new connection sorts it out.
    if (this.answered && !this.open) return this.close();
    this.answered = true;
    try {
      await this.#connection.setRemote({ type: 'answer', sdp });
    } catch {
      // An answer to an offer that was replaced. If it was meant for this one, the connect timeout closes the link.
    }
  }

  addCandidate(candidate: string): Promise<void> {
    return this.#connection.addCandidate(candidate);
  }

  roundTripMs(): Promise<number | undefined> {
    return this.#connection.roundTripMs();
  }

  close(): void {
    this.#connection.close();
  }

  async #offer(): Promise<void> {
    const { rtc } = this.#connection;
    try {
      await rtc.setLocalDescription(await rtc.createOffer());
      this.options.sendOffer(rtc.localDescription!.sdp);
    } catch {
      this.close();
    }
  }

  #receive(data: string | ArrayBuffer): void {
    // Messages that were queued when the link was closed come all the same.
    if (this.#connection.closed) return;
    this.events.heard();
    if (typeof data !== 'string') return this.events.chunk(new Uint8Array(data));
    const control = parseControl(data);
    if (control?.type === 'gap' && control.stripe === this.options.stripe) this.events.gap(control.from, control.to);
    else if (control?.type === 'key') this.events.key(control.certificate);
  }

  #say(control: ChildControl): void {
    trySend(this.#channel, JSON.stringify(control));
  }
}
