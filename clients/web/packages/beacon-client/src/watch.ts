import { Emitter } from './events';
import { BeaconError } from './errors';
import type { Raid } from './gen/beacon/signaling/v1/frames_pb';
import { AudioPlayer } from './media/audioPlayer';
import { canWatch } from './media/trackProcessor';
import type { VideoSink } from './media/videoPlayer';
import type { SessionContext } from './session';
import { peerStats, type PeerStats } from './stats';
import { ViewerStream } from './viewerStream';

export interface WatchOptions {
  streamId: string;
  /** Where pictures go, for example `canvasSink(canvas)`. */
  video: VideoSink;
  /** What this machine can send to other viewers, in Mbit/s. Default 5. */
  uplinkMbps?: number;
  /** Chunks that stop for this long mean a lost parent, in milliseconds. Default 300. */
  silenceMs?: number;
  /** How long a connection to a parent may take, in milliseconds. Default 4,000. */
  connectTimeoutMs?: number;
}

export type WatchState = 'joining' | 'waiting' | 'connecting' | 'playing' | 'reconnecting' | 'ended';

export interface WatchEvents {
  state: WatchState;
  /** Parents, children or the stream's title changed. */
  change: undefined;
  /** All slots are taken: the place in the queue. */
  waiting: { position: number; estimateMs: number };
  /** The first picture of a stream was drawn. */
  playing: { streamId: string };
  /** The audience moves: `started`, then `playing` with the target's first picture, or `failed`. */
  raid: { phase: 'started' | 'playing' | 'failed'; targetStreamId: string; targetTitle: string };
  ended: { streamId: string; reason: string };
  error: BeaconError;
}

export interface WatchStats extends PeerStats {
  title: string;
  channel: string;
  framesDecoded: number;
  audioPacketsDecoded: number;
  /** Unix epoch in microseconds, 0 before the first picture. */
  lastFrameTimestampUs: number;
  /** Milliseconds since the last picture was drawn. */
  lastFrameAgeMs: number | undefined;
  /** Capture to drawn. */
  latencyMs: number;
}

/** After the end the connections to other peers are kept for this long. */
const LINGER_MS = 5000;

/** A viewer: plays the stream and relays it to the children that the server assigns. */
export class Watch extends Emitter<WatchEvents> {
  readonly audio = new AudioPlayer();
  readonly #stops: (() => void)[] = [];
  readonly #raids = new Set<string>();
  #state: WatchState = 'joining';
  #current: ViewerStream;
  #next: ViewerStream | undefined;
  #closed = false;

  private constructor(
    private readonly context: SessionContext,
    private readonly options: Required<WatchOptions>,
  ) {
    super();
    this.#current = this.#makeStream(options.streamId);
  }

  /** Resolves when the server has let this viewer in. */
  static async start(context: SessionContext, options: WatchOptions): Promise<Watch> {
    if (!canWatch()) throw new BeaconError('unsupported_browser', 'This browser has no WebCodecs decoder.');
    const watch = new Watch(context, { uplinkMbps: 5, silenceMs: 300, connectTimeoutMs: 4000, ...options });
    watch.#listen();
    try {
      await watch.#current.join();
    } catch (error) {
      watch.stop();
      throw error;
    }
    if (watch.#state === 'joining') watch.#setState('connecting');
    return watch;
  }

  get state(): WatchState {
    return this.#state;
  }

  /** Changes when a raid has been followed. */
  get streamId(): string {
    return this.#current.streamId;
  }

  stats(): WatchStats {
    const { peer, video, title, channel } = this.#current;
    const accountId = this.context.socket.accountId;
    return {
      ...(peer ? peerStats(peer, accountId) : noPeer(this.streamId, accountId)),
      title,
      channel,
      framesDecoded: video.framesDecoded,
      audioPacketsDecoded: this.audio.packetsDecoded,
      lastFrameTimestampUs: video.lastTimestampUs,
      lastFrameAgeMs: video.ageMs,
      latencyMs: video.latencyMs,
    };
  }

  /** Leaves the stream. */
  stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stop of this.#stops.splice(0)) stop();
    this.#next?.leave();
    this.#current.leave();
    this.audio.close();
    this.#setState('ended');
  }

  #listen(): void {
    const { socket } = this.context;
    this.#stops.push(
      socket.on('frame', (frame) => {
        if (frame.case === 'raid' && frame.value.fromStreamId === this.streamId) void this.#follow(frame.value);
      }),
      socket.on('state', (state) => {
        if (state === 'waiting' && !this.#current.ended) this.#setState('reconnecting');
      }),
    );
    // A clean farewell tells the children within milliseconds; without it they would have to notice the silence.
    const leave = () => this.stop();
    window.addEventListener('pagehide', leave);
    this.#stops.push(() => window.removeEventListener('pagehide', leave));
  }

  #makeStream(streamId: string): ViewerStream {
    const { uplinkMbps, silenceMs, connectTimeoutMs, video } = this.options;
    const stream: ViewerStream = new ViewerStream(this.context, {
      streamId,
      uplinkMbps,
      silenceMs,
      connectTimeoutMs,
      onSound: (packet) => {
        if (stream === this.#current) this.audio.play(packet);
      },
      // The target's first picture makes it the current stream before it is drawn, so the two never mix on the canvas.
      sink: {
        draw: (frame) => {
          if (stream === this.#next) this.#switchOver(stream);
          if (stream === this.#current) video.draw(frame);
        },
      },
      onFirstPicture: () => {
        this.#setState('playing');
        this.emit('playing', { streamId });
      },
      onChange: () => this.emit('change', undefined),
      onWaiting: (position, estimateMs) => {
        if (stream !== this.#current) return;
        this.#setState('waiting');
        this.emit('waiting', { position, estimateMs });
      },
      onEnded: (reason) => {
        if (stream === this.#current) this.#ended(reason);
        else if (stream === this.#next) this.#raidFailed(stream);
      },
      onResumed: () => {
        if (stream === this.#current && this.#state === 'reconnecting') {
          this.#setState(stream.video.framesDecoded > 0 ? 'playing' : 'connecting');
        }
      },
      onFailed: (error) => {
        if (stream === this.#next) return this.#raidFailed(stream);
        this.emit('error', error);
        this.#ended(error.reason);
      },
    });
    return stream;
  }

  async #follow(raid: Raid): Promise<void> {
    const { raidId, targetStreamId, targetTitle } = raid;
    // Only says what is coming, or that it does not come.
    if (raid.countdownMs > 0 || raid.cancelled) return;
    if (this.#closed || this.#raids.has(raidId) || targetStreamId === this.streamId) return;
    this.#raids.add(raidId);
    this.#next?.leave();
    this.emit('raid', { phase: 'started', targetStreamId, targetTitle });
    const next = this.#makeStream(targetStreamId);
    this.#next = next;
    try {
      await next.join();
    } catch (error) {
      this.emit('error', BeaconError.from(error));
      this.#raidFailed(next);
    }
  }

  #switchOver(next: ViewerStream): void {
    const former = this.#current;
    this.#current = next;
    this.#next = undefined;
    this.emit('raid', { phase: 'playing', targetStreamId: next.streamId, targetTitle: next.title });
    this.emit('change', undefined);
    former.leave();
  }

  #raidFailed(next: ViewerStream): void {
    if (next !== this.#next) return;
    next.leave();
    this.#next = undefined;
    this.emit('raid', { phase: 'failed', targetStreamId: next.streamId, targetTitle: next.title });
    if (this.#current.ended) this.#ended('ended');
  }

  /** While a raid is under way the end of the old stream is no end: the last picture stays until the new one plays. */
  #ended(reason: string): void {
    if (this.#next || this.#closed) return;
    this.#setState('ended');
    this.emit('ended', { streamId: this.streamId, reason });
    const ended = this.#current;
    // Peers below may still be on their way to a raid's target; until then they get what there is.
    setTimeout(() => ended.close(), LINGER_MS);
  }

  /** `ended` is not final: a raid that is announced a moment later still moves the viewer on. */
  #setState(state: WatchState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit('state', state);
  }
}

function noPeer(streamId: string, accountId: string): PeerStats {
  return {
    streamId,
    peerId: '',
    accountId,
    parents: [],
    children: [],
    childPeerIds: [],
    bytesReceived: 0,
    bytesRelayed: 0,
    malformedChunks: 0,
  };
}
