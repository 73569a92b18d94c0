import type { Bytes } from './chunks/header';
import { Dealer } from './chunks/dealer';
import { Fragmenter, type MediaFrame } from './chunks/fragmenter';
import { FrameSigner, type SignatureAlgorithm } from './chunks/signing';
import { Emitter } from './events';
import { BeaconError } from './errors';
import { AudioSource } from './media/audioSource';
import { BitrateLadder } from './media/bitrateLadder';
import { negotiateVideoCodec, type VideoCodec } from './media/codecs';
import { canBroadcast } from './media/trackProcessor';
import { VideoSource } from './media/videoSource';
import { Reporter } from './mesh/reporter';
import { StreamPeer } from './mesh/streamPeer';
import { enterStream, streamIdOf, type SessionContext } from './session';
import { peerStats, type PeerStats } from './stats';
import { firstSequenceOf } from './resume';
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_SILENCE_MS } from './viewerStream';
import type { EndResult } from './api';

/** How to go live. */
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
  /** The video codec, or several in order of preference: the first that this browser encodes is taken. Default `vp8`, which every browser with WebCodecs decodes. */
  videoCodec?: VideoCodec | readonly VideoCodec[];
  /** Milliseconds from key frame to key frame. Default 1,000: the longest that a newcomer goes without. */
  keyFrameIntervalMs?: number;
  /** From `Broadcast.resumeTicket` of an earlier page: takes that stream up again. A ticket that is no good any more starts a new stream. */
  resumeTicket?: string;
  /** How pictures and sound are signed. Default `P-256`, which every viewer can verify; `Ed25519` costs them less, and some old browsers cannot. */
  signature?: SignatureAlgorithm;
}

/** `reconnecting`: the server is out of reach; the video goes on. */
export type BroadcastState = 'starting' | 'live' | 'reconnecting' | 'ended';

/** What a broadcast tells. */
export interface BroadcastEvents {
  /** It changed to this. */
  state: BroadcastState;
  /** Children, parents or connections changed. */
  change: undefined;
  /** The uplink carries more or less than before: what is encoded now, picture and sound, in kbit/s. */
  bitrate: {
    /** Picture and sound, in kbit/s. */
    bitrateKbps: number;
  };
  /** A track of the source has ended, an unplugged camera for example. The stream goes on; `replaceTrack` gives it another one. */
  trackended: {
    /** Of the track that ended. */
    kind: 'video' | 'audio';
  };
  /** It is over, and why: `ended`, `broadcaster_lost`, or the reason of an error. */
  ended: {
    /** `ended`, `broadcaster_lost`, or the reason of an error. */
    reason: string;
  };
  /** It cannot go on, or something was refused. */
  error: BeaconError;
}

/** A snapshot of a broadcast. */
export interface BroadcastStats extends PeerStats {
  /** Pictures encoded so far. */
  framesEncoded: number;
  /** Capture time of the last picture, Unix epoch in microseconds. */
  lastFrameTimestampUs: number;
  /** What is encoded now, picture and sound, in kbit/s. */
  bitrateKbps: number;
  /** The codec in use. */
  videoCodec: string;
}

/** Sound takes this much of the bitrate when there is enough for both. */
const AUDIO_KBPS = 64;
const LOW_AUDIO_KBPS = 24;
const LADDER_INTERVAL_MS = 1000;
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
  #dealer: Dealer | undefined;
  #stripes = 1;
  #video: VideoSource | undefined;
  #audio: AudioSource | undefined;
  #latencyMs = 0;
  #lastFrameTimestampUs = 0;
  #audioKbps = 0;
  #channel = '';
  #ending = false;
  /** Counts attempts to enter, so that one that was overtaken by a new session gives up. */
  #entries = 0;

  private constructor(
    private readonly context: SessionContext,
    private readonly options: Required<BroadcastOptions>,
    private readonly signer: FrameSigner,
    private readonly videoCodec: VideoCodec,
  ) {
    super();
    this.#resumeTicket = options.resumeTicket;
  }

  /** @internal Resolves when the stream is live. */
  static async start(context: SessionContext, options: BroadcastOptions): Promise<Broadcast> {
    if (!canBroadcast()) throw new BeaconError('unsupported_browser', 'This browser cannot broadcast; it can watch.');
    if (options.source.getVideoTracks().length === 0) throw new BeaconError('no_video_track', 'The source has no video track.');
    const defaults = { bitrateKbps: 1200, maxChildren: 0, uplinkMbps: 10, videoCodec: 'vp8', keyFrameIntervalMs: 1000, resumeTicket: '' } as const;
    const settled = { ...defaults, signature: 'P-256' as const, ...options };
    const [signer, codec] = await Promise.all([FrameSigner.create(options.signature), chooseCodec(settled)]);
    const broadcast = new Broadcast(context, settled, signer, codec);
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

  /** How it is now. */
  get state(): BroadcastState {
    return this.#state;
  }

  /** The stream, a UUID. */
  get streamId(): string {
    return this.#peer!.streamId;
  }

  /** The root of the tree, a UUID. */
  get peerId(): string {
    return this.#peer!.peerId;
  }

  /** The permanent handle of this account as a broadcaster. */
  get channel(): string {
    return this.#channel;
  }

  /** Keep it (in `sessionStorage`, say) to take the stream up again after the page was loaded anew: `BroadcastOptions.resumeTicket`. */
  get resumeTicket(): string {
    return this.#resumeTicket;
  }

  /** How it does. */
  stats(): BroadcastStats {
    return {
      ...peerStats(this.#peer!, this.context.socket),
      framesEncoded: this.#video?.framesEncoded ?? 0,
      lastFrameTimestampUs: this.#lastFrameTimestampUs,
      bitrateKbps: this.#audioKbps + (this.#video?.bitrateKbps ?? 0),
      videoCodec: this.videoCodec,
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

  /** Goes on with another camera, microphone or screen, without interrupting the stream. */
  replaceTrack(track: MediaStreamTrack): void {
    if (track.kind === 'video') this.#video?.replaceTrack(track);
    else this.#audio?.replaceTrack(track);
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
            value: { title, bitrateKbps, uplinkMbps, maxChildren, resumeTicket: this.#resumeTicket, signingKeyJwk: this.signer.publicJwk, ticketMac: true },
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
      const firstSequence = isTakenUp ? firstSequenceOf(live.streamId, nowMs) : 0;
      this.#stripes = Math.max(1, live.stripes);
      this.#dealer = new Dealer(Array.from({ length: this.#stripes }, (_, stripe) => new Fragmenter(live.streamId, stripe, this.signer, firstSequence)));
      this.#reporter = new Reporter({
        socket,
        peer: this.#peer,
        intervalMs: socket.welcome?.reportIntervalMs || 2000,
        seated: () => socket.welcome?.sessionId === this.#seatedIn,
        latencyMs: () => Promise.resolve(this.#latencyMs),
        bufferMs: () => 0,
        uplinkMbps: () => Math.min(uplinkMbps, this.#peer?.linkMbps ?? uplinkMbps),
      });
    }
    this.#peer.takeTicketKey(live.ticketKey);
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
    const { source, bitrateKbps, keyFrameIntervalMs } = this.options;
    const audioTrack = source.getAudioTracks()[0];
    const audioKbps = audioTrack ? audioKbpsOf(bitrateKbps) : 0;
    this.#audioKbps = audioKbps;
    const onError = (error: BeaconError) => this.#fail(error);
    if (audioTrack) {
      this.#audio = new AudioSource({
        track: audioTrack,
        bitrateKbps: audioKbps,
        onFrame: (frame) => this.#publish(frame),
        onEnded: () => this.emit('trackended', { kind: 'audio' }),
        onError,
      });
    }
    this.#video = new VideoSource({
      track: source.getVideoTracks()[0]!,
      codec: this.videoCodec,
      bitrateKbps: bitrateKbps - audioKbps,
      keyFrameIntervalMs,
      onFrame: (frame) => {
        if (frame.key) this.#audio?.groupBegins();
        this.#lastFrameTimestampUs = frame.timestampUs;
        this.#publish(frame);
      },
      onEnded: () => this.emit('trackended', { kind: 'video' }),
      onError,
    });
    const ladder = new BitrateLadder();
    const timer = setInterval(() => this.#adapt(ladder), LADDER_INTERVAL_MS);
    this.#stops.push(() => clearInterval(timer));
  }

  /** Sound is a small part and the last that viewers want to miss, so the picture alone gives way. */
  #adapt(ladder: BitrateLadder): void {
    const { bitrateKbps } = this.options;
    const peer = this.#peer;
    if (!peer || !this.#video) return;
    const children = peer.children.filter(({ active }) => active);
    // A child in one of the stripes takes that part of the stream.
    const neededMbps = (bitrateKbps * children.length) / this.#stripes / 1000;
    const strained = children.length > 0 && children.every(({ slow }) => slow);
    const share = ladder.judge({ neededMbps, measuredMbps: peer.measuredUplinkMbps, strained }, performance.now());
    const videoKbps = Math.round((bitrateKbps - this.#audioKbps) * share);
    if (videoKbps === this.#video.bitrateKbps) return;
    this.#video.bitrateKbps = videoKbps;
    this.emit('bitrate', { bitrateKbps: videoKbps + this.#audioKbps });
  }

  #publish(frame: MediaFrame): void {
    const peer = this.#peer;
    if (!peer || !this.#dealer) return;
    this.#dealer.cut(frame).then(
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

function audioKbpsOf(bitrateKbps: number): number {
  return bitrateKbps >= 300 ? AUDIO_KBPS : Math.min(LOW_AUDIO_KBPS, bitrateKbps / 2);
}

async function chooseCodec({ source, videoCodec, bitrateKbps }: Pick<Required<BroadcastOptions>, 'source' | 'videoCodec' | 'bitrateKbps'>): Promise<VideoCodec> {
  const { width = 1280, height = 720 } = source.getVideoTracks()[0]!.getSettings();
  const wished = typeof videoCodec === 'string' ? [videoCodec] : videoCodec;
  const codec = await negotiateVideoCodec(wished, { width: width & ~1, height: height & ~1, bitrateKbps });
  if (codec === undefined) throw new BeaconError('unsupported_codec', `This browser encodes none of these: ${wished.join(', ')}.`);
  return codec;
}
