import type { Bytes } from './chunks/header';
import { Fragmenter, type MediaFrame } from './chunks/fragmenter';
import { FrameSigner, type SignatureAlgorithm } from './chunks/signing';
import { Emitter } from './events';
import { BeaconError } from './errors';
import { AudioSource } from './media/audioSource';
import { canBroadcast } from './media/trackProcessor';
import { VideoSource } from './media/videoSource';
import { Reporter } from './mesh/reporter';
import { StreamPeer } from './mesh/streamPeer';
import { enterStream, streamIdOf, type SessionContext } from './session';
import { peerStats, type PeerStats } from './stats';
import { firstSequenceOf } from './resume';
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_SILENCE_MS } from './viewerStream';
import type { EndResult } from './api';

export interface BroadcastOptions {
  /** Needs a video track; an audio track is taken along. The caller stops its tracks. */
  source: MediaStream;
  /** 1 to 120 characters. */
  title: string;
  /** Sum of picture and sound, 32 to 50,000 kbit/s. Default 1,200. */
  bitrateKbps?: number;
  /** The most viewers that are fed directly, 1 to 4; 0 (default) = as many as the uplink allows. */
  maxChildren?: number;
  /** What this machine can send, in Mbit/s. Default 10. */
  uplinkMbps?: number;
  /** WebCodecs name of the video codec. Default `vp8`: every browser with WebCodecs decodes it. */
  videoCodec?: string;
  /** Milliseconds from key frame to key frame. Default 1,000: the longest that a newcomer goes without. */
  keyFrameIntervalMs?: number;
  /** From `Broadcast.resumeTicket` of an earlier page: takes that stream up again. A ticket that is no good any more starts a new stream. */
  resumeTicket?: string;
  /** How pictures and sound are signed. Default `P-256`, which every viewer can verify; `Ed25519` costs them less, and some old browsers cannot. */
  signature?: SignatureAlgorithm;
}

export type BroadcastState = 'starting' | 'live' | 'reconnecting' | 'ended';

export interface BroadcastEvents {
  state: BroadcastState;
  /** Children, parents or connections changed. */
  change: undefined;
  ended: { reason: string };
  error: BeaconError;
}

export interface BroadcastStats extends PeerStats {
  framesEncoded: number;
  lastFrameTimestampUs: number;
}

/** Sound takes this much of the bitrate when there is enough for both. */
const AUDIO_KBPS = 64;
const LOW_AUDIO_KBPS = 24;
/** After the end the pictures go on for this long, so that viewers who raid keep a moving picture until the new one plays. */
const LINGER_MS = 2000;

/** A live stream of this browser: encodes once and feeds the first peers of the tree. */
export class Broadcast extends Emitter<BroadcastEvents> {
  readonly #abort = new AbortController();
  readonly #stops: (() => void)[] = [];
  #state: BroadcastState = 'starting';
  #peer: StreamPeer | undefined;
  #reporter: Reporter | undefined;
  #resumeTicket: string;
  /** The session that has entered the stream. */
  #seatedIn: string | undefined;
  #fragmenter: Fragmenter | undefined;
  #video: VideoSource | undefined;
  #audio: AudioSource | undefined;
  #latencyMs = 0;
  #lastFrameTimestampUs = 0;
  #channel = '';
  #ending = false;
  /** Counts attempts to enter, so that one that was overtaken by a new session gives up. */
  #entries = 0;

  private constructor(
    private readonly context: SessionContext,
    private readonly options: Required<BroadcastOptions>,
    private readonly signer: FrameSigner,
  ) {
    super();
    this.#resumeTicket = options.resumeTicket;
  }

  /** Resolves when the stream is live. */
  static async start(context: SessionContext, options: BroadcastOptions): Promise<Broadcast> {
    if (!canBroadcast()) throw new BeaconError('unsupported_browser', 'This browser cannot broadcast; it can watch.');
    if (options.source.getVideoTracks().length === 0) throw new BeaconError('no_video_track', 'The source has no video track.');
    const defaults = { bitrateKbps: 1200, maxChildren: 0, uplinkMbps: 10, videoCodec: 'vp8', keyFrameIntervalMs: 1000, resumeTicket: '' } as const;
    const signer = await FrameSigner.create(options.signature);
    const broadcast = new Broadcast(context, { ...defaults, signature: 'P-256', ...options }, signer);
    try {
      await broadcast.#enter(false);
    } catch (error) {
      broadcast.stop();
      throw error;
    }
    broadcast.#listen();
    broadcast.#encode();
    return broadcast;
  }

  get state(): BroadcastState {
    return this.#state;
  }

  get streamId(): string {
    return this.#peer!.streamId;
  }

  get peerId(): string {
    return this.#peer!.peerId;
  }

  get channel(): string {
    return this.#channel;
  }

  /** Keep it (in `sessionStorage`, say) to take the stream up again after the page was loaded anew: `BroadcastOptions.resumeTicket`. */
  get resumeTicket(): string {
    return this.#resumeTicket;
  }

  stats(): BroadcastStats {
    return {
      ...peerStats(this.#peer!, this.context.socket.accountId),
      framesEncoded: this.#video?.framesEncoded ?? 0,
      lastFrameTimestampUs: this.#lastFrameTimestampUs,
    };
  }

  /** Ends the stream and sends its viewers on: to a named stream, to one drawn at random (default), or nowhere (`none`). */
  async end(raidTarget = ''): Promise<EndResult> {
    this.#ending = true;
    try {
      const result = await this.context.api.endStream(this.streamId, raidTarget);
      this.#linger('ended');
      return result;
    } catch (error) {
      this.#ending = false;
      throw error;
    }
  }

  /** Stops at once without telling the audience where to go; the server ends the stream when its grace time is over. */
  stop(): void {
    if (this.#abort.signal.aborted) return;
    if (this.#peer && !this.#ending) this.context.socket.send({ case: 'leaveStream', value: { streamId: this.#peer.streamId } });
    this.#abort.abort(new BeaconError('closed', 'The broadcast was stopped.'));
    for (const stop of this.#stops.splice(0)) stop();
    this.#video?.stop();
    this.#audio?.stop();
    this.#reporter?.close();
    this.#peer?.close();
    this.#setState('ended');
  }

  async #enter(resuming: boolean): Promise<void> {
    const { title, bitrateKbps, uplinkMbps, maxChildren } = this.options;
    const { socket, api, readyTimeoutMs } = this.context;
    const entry = ++this.#entries;
    // Asked before, because nothing may come between the answer and being ready for the frames that follow it.
    const iceServers = await this.context.iceServers();
    const live = await enterStream(
      async () => {
        if (!resuming) await socket.ready(readyTimeoutMs);
        if (entry !== this.#entries) throw new BeaconError('closed', 'A newer session took over.');
        this.#peer?.sessionRenewed();
        try {
          return await socket.request({
            case: 'goLive',
            value: { title, bitrateKbps, uplinkMbps, maxChildren, resumeTicket: this.#resumeTicket, signingKeyJwk: this.signer.publicJwk },
          });
        } catch (error) {
          const { reason } = BeaconError.from(error);
          const isUseless = reason === 'invalid_resume_ticket' || (!resuming && reason === 'unknown_stream');
          if (!isUseless || !this.#resumeTicket) throw error;
          this.#resumeTicket = '';
          throw new BeaconError(reason, 'The stream cannot be taken up again.', true, { cause: error });
        }
      },
      'streamLive',
      resuming,
      this.#abort.signal,
    );
    const isTakenUp = this.#resumeTicket !== '';
    this.#resumeTicket = live.resumeTicket;
    this.#seatedIn = socket.welcome?.sessionId;
    this.#channel = live.channel;
    // A server that lost everything may give other ids; the chunks carry the stream's id, so the peer is then made anew.
    if (this.#peer?.streamId !== live.streamId || this.#peer.peerId !== live.peerId) {
      this.#reporter?.close();
      this.#peer?.close();
      this.#peer = this.#makePeer(live.streamId, live.peerId, iceServers);
      const nowMs = Number(socket.welcome?.serverTimeMs ?? Date.now());
      this.#fragmenter = new Fragmenter(live.streamId, 0, this.signer, isTakenUp ? firstSequenceOf(live.streamId, nowMs) : 0);
      this.#reporter = new Reporter({
        socket,
        peer: this.#peer,
        intervalMs: socket.welcome?.reportIntervalMs || 2000,
        seated: () => socket.welcome?.sessionId === this.#seatedIn,
        latencyMs: () => Promise.resolve(this.#latencyMs),
        bufferMs: () => 0,
      });
    }
    void this.#peer.keys.add(live.keyCertificate);
    this.#setState('live');
    void api.roundTripMs().then((ms) => (this.#latencyMs = ms));
  }

  #makePeer(streamId: string, peerId: string, iceServers: RTCIceServer[]): StreamPeer {
    return new StreamPeer({
      socket: this.context.socket,
      streamId,
      peerId,
      bitrateKbps: this.options.bitrateKbps,
      uplinkMbps: this.options.uplinkMbps,
      rtc: this.context.rtc,
      iceServers,
      silenceMs: DEFAULT_SILENCE_MS,
      connectTimeoutMs: DEFAULT_CONNECT_TIMEOUT_MS,
      onOrdered: () => undefined,
      onChange: () => this.emit('change', undefined),
      onWaiting: () => undefined,
      onStranded: () => undefined,
    });
  }

  #listen(): void {
    const { socket } = this.context;
    this.#stops.push(
      socket.on('frame', (frame) => {
        if (streamIdOf(frame) !== this.#peer?.streamId) return;
        if (frame.case === 'streamEnded') this.#linger(frame.value.reason);
        else this.#peer?.handle(frame);
      }),
      socket.on('state', (state) => {
        if (state === 'waiting' && this.#state === 'live') this.#setState('reconnecting');
      }),
      socket.on('welcome', () => {
        if (this.#ending) return;
        this.#enter(true).catch((error) => this.#fail(BeaconError.from(error)));
      }),
    );
    const leave = () => this.stop();
    window.addEventListener('pagehide', leave);
    this.#stops.push(() => window.removeEventListener('pagehide', leave));
  }

  #encode(): void {
    const { source, bitrateKbps, videoCodec, keyFrameIntervalMs } = this.options;
    const audioTrack = source.getAudioTracks()[0];
    const audioKbps = audioTrack ? (bitrateKbps >= 300 ? AUDIO_KBPS : Math.min(LOW_AUDIO_KBPS, bitrateKbps / 2)) : 0;
    const onError = (error: BeaconError) => this.#fail(error);
    if (audioTrack) {
      this.#audio = new AudioSource({ track: audioTrack, bitrateKbps: audioKbps, onFrame: (frame) => this.#publish(frame), onError });
    }
    this.#video = new VideoSource({
      track: source.getVideoTracks()[0]!,
      codec: videoCodec,
      bitrateKbps: bitrateKbps - audioKbps,
      keyFrameIntervalMs,
      onFrame: (frame) => {
        if (frame.key) this.#audio?.groupBegins();
        this.#lastFrameTimestampUs = frame.timestampUs;
        this.#publish(frame);
      },
      onError,
    });
  }

  #publish(frame: MediaFrame): void {
    const peer = this.#peer;
    if (!peer || !this.#fragmenter) return;
    this.#fragmenter.cut(frame).then(
      (chunks) => chunks.forEach((bytes) => this.#send(peer, bytes)),
      (cause: unknown) => this.#fail(new BeaconError('encoder_failed', 'A frame cannot be sent.', false, { cause })),
    );
  }

  #send(peer: StreamPeer, bytes: Bytes): void {
    const { chunk, digest } = peer.publish(bytes);
    void digest?.then((value) =>
      this.context.socket.send({
        case: 'chunkDigests',
        value: { streamId: peer.streamId, digests: [{ stripe: chunk.stripe, sequence: chunk.sequence, digest: value }] },
      }),
    );
  }

  #linger(reason: string): void {
    if (this.#state === 'ended') return;
    this.#ending = true;
    this.#reporter?.close();
    this.#setState('ended');
    this.emit('ended', { reason });
    setTimeout(() => this.stop(), LINGER_MS);
  }

  #fail(error: BeaconError): void {
    // A lost connection is no failure: the next session takes the stream up again.
    if (error.reason === 'disconnected' || error.reason === 'closed' || this.#state === 'ended') return;
    this.emit('error', error);
    this.emit('ended', { reason: error.reason });
    this.stop();
  }

  #setState(state: BroadcastState): void {
    if (this.#state === state || this.#state === 'ended') return;
    this.#state = state;
    this.emit('state', state);
  }
}
