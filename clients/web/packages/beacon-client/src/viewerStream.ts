import type { Chunk } from './chunks/header';
import { BeaconError } from './errors';
import type { StreamJoined } from './gen/beacon/signaling/v1/frames_pb';
import type { Duty } from './mesh/duty';
import { Reporter } from './mesh/reporter';
import { StreamPeer, type ParentFault } from './mesh/streamPeer';
import type { ServerFramePayload } from './signaling/socket';
import { enterStream, streamIdOf, type SessionContext } from './session';

export interface ViewerStreamOptions {
  streamId: string;
  /** The most that this machine is to send, in Mbit/s; undefined = what it is measured to send. */
  uplinkMbps: number | undefined;
  /** Connects through TURN alone. */
  relayOnly?: boolean;
  /** Lowers what is offered while the machine cannot bear it all. */
  duty?: Duty;
  silenceMs: number;
  connectTimeoutMs: number;
  /** A chunk in order, for playback. */
  onChunk: (chunk: Chunk) => void;
  /** Called every tick with the stripes that this peer has been given parents in. */
  onTick?: (stripes: Iterable<number>) => void;
  /** Media ready to play, in milliseconds. */
  bufferMs: () => number;
  onFault: (fault: ParentFault) => void;
  onChange: () => void;
  onWaiting: (position: number, estimateMs: number) => void;
  onEnded: (reason: string) => void;
  onResumed: () => void;
  onFailed: (error: BeaconError) => void;
}

export const DEFAULT_SILENCE_MS = 130;
export const DEFAULT_CONNECT_TIMEOUT_MS = 4000;

/** Believed of an uplink that nobody has said or measured anything of, in Mbit/s. */
const ASSUMED_UPLINK_MBPS = 5;

const MAX_EARLY_FRAMES = 64;

/** When nothing helps, the server is asked for a new place at most this often. */
const REJOIN_INTERVAL_MS = 10_000;

/** One stream as this peer receives and relays it. A raid has two of them for a moment. */
export class ViewerStream {
  readonly #abort = new AbortController();
  readonly #stops: (() => void)[] = [];
  #peer: StreamPeer | undefined;
  #reporter: Reporter | undefined;
  #resumeTicket = '';
  /** The session that has entered the stream. */
  #seatedIn: string | undefined;
  /** Counts attempts to enter, so that one that was overtaken by a new session gives up. */
  #entries = 0;
  #lastJoinAt = Number.NEGATIVE_INFINITY;
  /** Frames that came with the answer to the join, before it was read. */
  readonly #early: ServerFramePayload[] = [];
  #ended = false;
  #bitrateKbps = 0;
  title = '';
  channel = '';

  constructor(
    private readonly context: SessionContext,
    private readonly options: ViewerStreamOptions,
  ) {}

  get streamId(): string {
    return this.options.streamId;
  }

  get peer(): StreamPeer | undefined {
    return this.#peer;
  }

  /** What the server is told of the uplink: as measured with the stream itself, once data had to wait for it, within what was said. */
  get #offeredUplinkMbps(): number {
    const { uplinkMbps, duty } = this.options;
    const measured = this.#peer?.linkMbps;
    const believed = Math.min(uplinkMbps ?? Number.POSITIVE_INFINITY, measured ?? uplinkMbps ?? ASSUMED_UPLINK_MBPS);
    return duty?.offerMbps(believed, this.#bitrateKbps) ?? believed;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves when the server has let this viewer in; a parent, or a place in the queue, follows. */
  async join(): Promise<void> {
    const { socket } = this.context;
    this.#stops.push(
      socket.on('frame', (frame) => {
        if (streamIdOf(frame) !== this.streamId) return;
        if (frame.case === 'streamEnded') {
          this.#ended = true;
          this.#reporter?.close();
          this.options.onEnded(frame.value.reason);
        } else if (this.#peer) {
          this.#peer.handle(frame);
        } else if (this.#early.length < MAX_EARLY_FRAMES) {
          this.#early.push(frame);
        }
      }),
    );
    await this.#enter(false);
    this.#stops.push(
      socket.on('welcome', () => {
        if (!this.#ended) this.#rejoin();
      }),
    );
  }

  /** Tells the server, so that children are given new parents at once, and lets go of all peers. */
  leave(): void {
    if (!this.#abort.signal.aborted && !this.#ended) this.context.socket.send({ case: 'leaveStream', value: { streamId: this.streamId } });
    this.close();
  }

  close(): void {
    this.#abort.abort(new BeaconError('closed', 'The stream was left.'));
    for (const stop of this.#stops.splice(0)) stop();
    this.#reporter?.close();
    this.#peer?.close();
  }

  #rejoin(): void {
    this.#enter(true).then(this.options.onResumed, (cause: unknown) => {
      const error = BeaconError.from(cause);
      // Without a session the next one asks again.
      if (error.reason !== 'disconnected' && error.reason !== 'closed') this.options.onFailed(error);
    });
  }

  /** One session has one seat in a stream, so that the old one is given up before a new one is asked for. */
  #stranded(): void {
    if (this.#ended || performance.now() - this.#lastJoinAt < REJOIN_INTERVAL_MS) return;
    this.context.socket.send({ case: 'leaveStream', value: { streamId: this.streamId } });
    this.#rejoin();
  }

  #makeWayForNextAttempt({ reason }: BeaconError): void {
    // An answer that was lost: the server has let us in, but we do not know as whom.
    if (reason === 'already_in_stream') this.context.socket.send({ case: 'leaveStream', value: { streamId: this.streamId } });
    if (reason === 'invalid_resume_ticket') this.#resumeTicket = '';
  }

  async #enter(resuming: boolean): Promise<void> {
    const { socket, api, readyTimeoutMs } = this.context;
    const entry = ++this.#entries;
    this.#lastJoinAt = performance.now();
    const [latencyMs, iceServers] = await Promise.all([resuming ? 0 : api.roundTripMs(), this.context.iceServers()]);
    const joined = await enterStream(
      async () => {
        if (!resuming) await socket.ready(readyTimeoutMs);
        if (entry !== this.#entries) throw new BeaconError('closed', 'A newer session took over.');
        // Only frames of the new session follow, and their versions start over.
        this.#peer?.sessionRenewed();
        try {
          return await socket.request({
            case: 'joinStream',
            value: { streamId: this.streamId, uplinkMbps: this.#offeredUplinkMbps, latencyMs, resumeTicket: this.#resumeTicket, relayOnly: this.options.relayOnly ?? false, ticketMac: true },
          });
        } catch (error) {
          this.#makeWayForNextAttempt(BeaconError.from(error));
          throw error;
        }
      },
      'streamJoined',
      resuming,
      this.#abort.signal,
    );
    if (this.#abort.signal.aborted) return;
    this.#resumeTicket = joined.resumeTicket;
    this.#seatedIn = socket.welcome?.sessionId;
    this.title = joined.title;
    this.channel = joined.channel;
    this.#bitrateKbps = joined.bitrateKbps;
    if (this.#peer?.peerId !== joined.peerId) this.#become(joined, iceServers);
    else this.#peer.takeTicketKey(joined.ticketKey);
    this.options.onChange();
  }

  /** Edge tickets name peer ids, so a new id means new connections. */
  #become({ peerId, bitrateKbps, ticketKey }: StreamJoined, iceServers: RTCIceServer[]): void {
    const { socket, rtc } = this.context;
    this.#reporter?.close();
    this.#peer?.close();
    const peer = new StreamPeer({
      socket,
      streamId: this.streamId,
      peerId,
      bitrateKbps,
      uplinkMbps: this.options.uplinkMbps ?? ASSUMED_UPLINK_MBPS,
      rtc: this.options.relayOnly ? (configuration) => rtc({ ...configuration, iceTransportPolicy: 'relay' }) : rtc,
      iceServers,
      silenceMs: this.options.silenceMs,
      connectTimeoutMs: this.options.connectTimeoutMs,
      onOrdered: this.options.onChunk,
      onFault: this.options.onFault,
      ...(this.options.onTick ? { onTick: this.options.onTick } : {}),
      onChange: this.options.onChange,
      onWaiting: this.options.onWaiting,
      onStranded: () => this.#stranded(),
    });
    this.#peer = peer;
    peer.takeTicketKey(ticketKey);
    for (const frame of this.#early.splice(0)) peer.handle(frame);
    this.#reporter = new Reporter({
      socket,
      peer,
      intervalMs: socket.welcome?.reportIntervalMs || 2000,
      seated: () => socket.welcome?.sessionId === this.#seatedIn,
      latencyMs: async () => (await peer.roundTripMs()) ?? 0,
      bufferMs: this.options.bufferMs,
      uplinkMbps: () => this.#offeredUplinkMbps,
    });
  }
}
