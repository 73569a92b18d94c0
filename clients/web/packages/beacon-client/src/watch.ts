import { Emitter } from './events';
import { BeaconError } from './errors';
import { FrameAssembler } from './chunks/assembler';
import type { MediaFrame } from './chunks/fragmenter';
import type { Raid } from './gen/beacon/signaling/v1/frames_pb';
import { AudioPlayer } from './media/audioPlayer';
import { Playout } from './media/playout';
import { canWatch } from './media/trackProcessor';
import { VideoPlayer, type VideoSink } from './media/videoPlayer';
import { Duty } from './mesh/duty';
import type { ParentFault } from './mesh/streamPeer';
import type { SessionContext } from './session';
import { noPeer, peerStats, type PeerStats } from './stats';
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_SILENCE_MS, ViewerStream } from './viewerStream';

/** What to watch, and where to show it. */
export interface WatchOptions {
  /** The stream, a UUID. */
  streamId: string;
  /** Where pictures go, for example `canvasSink(canvas)`. */
  video: VideoSink;
  /**
   * The most that this machine is to send to other viewers, in Mbit/s. Default: what it is measured to send, believed to be 5 until then. Half of it is offered on a
   * metered network, half on a low battery, a quarter on both, and always enough for one viewer where there is so much. 0 refuses to relay: a server may
   * give such viewers the last places.
   */
  uplinkMbps?: number;
  /**
   * Connects through the server's TURN server alone, so that no other viewer learns this one's address. Such a viewer is among the last to get children. Refused with
   * `no_relay` where there is no TURN server. Default false.
   */
  relayOnly?: boolean;
  /** A parent of which nothing is heard for this long is lost, in milliseconds; an uneven link is given more. Default 130. */
  silenceMs?: number;
  /** How long a connection to a parent may take, in milliseconds. Default 4,000. */
  connectTimeoutMs?: number;
}

/** `waiting`: all slots are taken; `reconnecting`: the server is out of reach, while the video goes on. */
export type WatchState = 'joining' | 'waiting' | 'connecting' | 'playing' | 'reconnecting' | 'ended';

/** What a viewer is told. */
export interface WatchEvents {
  /** It changed to this. */
  state: WatchState;
  /** Parents, children or the stream's title changed. */
  change: undefined;
  /** All slots are taken: the place in the queue. */
  waiting: {
    /** From 1. */
    position: number;
    /** How long it may take, in milliseconds, 0 = not known. */
    estimateMs: number;
  };
  /** The first picture of a stream was drawn. */
  playing: {
    /** The stream, a UUID. */
    streamId: string;
  };
  /**
   * The audience will move: `announced`, again when the target changes, and then `cancelled`, or `declined` by this viewer, or `started`; after that
   * `playing` with the target's first picture, or `failed`.
   */
  raid: {
    /** How far it is. */
    phase: 'announced' | 'cancelled' | 'declined' | 'started' | 'playing' | 'failed';
    /** Where the audience goes, a UUID. */
    targetStreamId: string;
    /** 1 to 120 characters; empty when it is not known. */
    targetTitle: string;
  };
  /** A parent sent what the broadcaster did not, or withheld what it had, and was left. */
  fault: ParentFault;
  /** It is over, and why: `ended`, `broadcaster_lost`, or the reason of an error. */
  ended: {
    /** The stream, a UUID. */
    streamId: string;
    /** `ended`, `broadcaster_lost`, or the reason of an error. */
    reason: string;
  };
  /** It cannot go on, or something was refused. */
  error: BeaconError;
}

/** A raid that counts down. */
export interface ComingRaid {
  /** The raid, a UUID. */
  raidId: string;
  /** Where the audience will go, a UUID. */
  targetStreamId: string;
  /** The permanent handle of its broadcaster. */
  targetChannel: string;
  /** 1 to 120 characters. */
  targetTitle: string;
  /** How many viewers will move. */
  viewers: number;
  /** When, in milliseconds of `performance.now()`. */
  movesAt: number;
}

/** A snapshot of a viewer. */
export interface WatchStats extends PeerStats {
  /** 1 to 120 characters. */
  title: string;
  /** The broadcaster's permanent handle. */
  channel: string;
  /** Pictures decoded so far. */
  framesDecoded: number;
  /** Sound packets decoded so far. */
  audioPacketsDecoded: number;
  /** Unix epoch in microseconds, 0 before the first picture. */
  lastFrameTimestampUs: number;
  /** Milliseconds since the last picture was drawn. */
  lastFrameAgeMs: number | undefined;
  /** Capture to drawn. */
  latencyMs: number;
  /** WebCodecs' name of the picture's codec, undefined before the first picture. */
  videoCodec: string | undefined;
}

/**
 * How much of the picture is decoded: all of it, key frames alone (about one picture a second, for a small machine or battery), or nothing, when only the sound
 * is wanted. What is received and relayed stays the same.
 */
export type PictureMode = 'full' | 'key-frames' | 'off';

type Settled = WatchOptions & Required<Pick<WatchOptions, 'silenceMs' | 'connectTimeoutMs'>>;

/** A stream, and what plays it. A raid has two of them for a moment. */
interface Showing {
  readonly stream: ViewerStream;
  readonly video: VideoPlayer;
  readonly playout: Playout;
}

/** After the end the connections to other peers are kept for this long. */
const LINGER_MS = 5000;
const MAX_DELAY_MS = 5000;

/** A viewer: plays the stream and relays it to the children that the server assigns. */
export class Watch extends Emitter<WatchEvents> {
  /** The sound: volume, mute, and what the browser allows of it. */
  readonly audio = new AudioPlayer();
  readonly #stops: (() => void)[] = [];
  readonly #raids = new Set<string>();
  #state: WatchState = 'joining';
  #current: Showing;
  #next: Showing | undefined;
  /** The next one is there before its time, and is not shown yet. */
  #isNextUnseen = false;
  #coming: ComingRaid | undefined;
  #picture: PictureMode = 'full';
  #delayMs = 0;
  #closed = false;

  private constructor(
    private readonly context: SessionContext,
    private readonly options: Settled,
    private readonly duty: Duty,
  ) {
    super();
    this.#current = this.#show(options.streamId);
  }

  /** @internal Resolves when the server has let this viewer in. */
  static async start(context: SessionContext, options: WatchOptions): Promise<Watch> {
    if (!canWatch()) throw new BeaconError('unsupported_browser', 'This browser has no WebCodecs decoder.');
    const defaults = { silenceMs: DEFAULT_SILENCE_MS, connectTimeoutMs: DEFAULT_CONNECT_TIMEOUT_MS };
    const watch = new Watch(context, { ...defaults, ...options }, await Duty.begin());
    watch.#listen();
    try {
      await watch.#current.stream.join();
    } catch (error) {
      watch.stop();
      throw error;
    }
    if (watch.#state === 'joining') watch.#setState('connecting');
    return watch;
  }

  /** How it is now. */
  get state(): WatchState {
    return this.#state;
  }

  /** Changes when a raid has been followed. */
  get streamId(): string {
    return this.#current.stream.streamId;
  }

  /** The raid that counts down, if there is one. */
  get coming(): ComingRaid | undefined {
    return this.#coming;
  }

  /** How much of the picture is decoded. */
  get picture(): PictureMode {
    return this.#picture;
  }

  /** How much of the picture is decoded. */
  set picture(mode: PictureMode) {
    this.#picture = mode;
    this.#current.video.awaitKey();
    this.#next?.video.awaitKey();
  }

  /** How much later than it could everything is played, in milliseconds, 0 to 5,000: evens out what comes unevenly. Default 0. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** How much later than it could everything is played, in milliseconds, 0 to 5,000. */
  set delayMs(delayMs: number) {
    this.#delayMs = Math.min(MAX_DELAY_MS, Math.max(0, delayMs));
    for (const showing of [this.#current, this.#next]) if (showing) showing.playout.delayMs = this.#delayMs;
    this.audio.forgetPace();
  }

  /** Stays behind when the raid that counts down moves. */
  decline(): void {
    const coming = this.#coming;
    if (!coming || this.#closed) return;
    this.#raids.add(coming.raidId);
    this.context.socket.send({ case: 'declineRaid', value: { streamId: this.streamId, raidId: coming.raidId } });
    this.#callOff('declined');
  }

  /** How it does. */
  stats(): WatchStats {
    const { stream, video } = this.#current;
    const { peer, title, channel } = stream;
    return {
      ...(peer ? peerStats(peer, this.context.socket) : noPeer(this.streamId, this.context.socket)),
      title,
      channel,
      framesDecoded: video.framesDecoded,
      audioPacketsDecoded: this.audio.packetsDecoded,
      lastFrameTimestampUs: video.lastTimestampUs,
      lastFrameAgeMs: video.ageMs,
      latencyMs: video.latencyMs,
      videoCodec: video.codec,
    };
  }

  /** Leaves the stream. */
  stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stop of this.#stops.splice(0)) stop();
    this.#leave(this.#next);
    this.#leave(this.#current);
    this.audio.close();
    this.duty.end();
    this.#setState('ended');
  }

  #listen(): void {
    const { socket } = this.context;
    this.#stops.push(
      socket.on('frame', (frame) => {
        if (frame.case === 'raid' && frame.value.fromStreamId === this.streamId) void this.#follow(frame.value);
      }),
      socket.on('state', (state) => {
        if (state === 'waiting' && !this.#current.stream.ended) this.#setState('reconnecting');
      }),
    );
    // A clean farewell tells the children within milliseconds; without it they would have to notice the silence.
    const leave = () => this.stop();
    window.addEventListener('pagehide', leave);
    this.#stops.push(() => window.removeEventListener('pagehide', leave));
  }

  #show(streamId: string): Showing {
    const { uplinkMbps, relayOnly = false, silenceMs, connectTimeoutMs, video: sink } = this.options;
    let pictured = false;
    const video = new VideoPlayer({
      // The target's first picture makes it the current stream before it is drawn, so the two never mix on the canvas.
      sink: {
        draw: (frame) => {
          if (showing === this.#next && !this.#isNextUnseen) this.#switchOver(showing);
          if (showing === this.#current) sink.draw(frame);
        },
      },
      onPicture: () => {
        if (pictured || showing !== this.#current) return;
        pictured = true;
        this.#setState('playing');
        this.emit('playing', { streamId });
      },
      onUnsupported: (codec) => this.emit('error', new BeaconError('unsupported_codec', `This browser does not decode ${codec}.`)),
      // The sound of the former stream says nothing about the pictures of the next one.
      soundAtUs: () => (showing === this.#current ? this.audio.positionUs : undefined),
    });
    const playout = new Playout((frame) => {
      if (!frame.audio) this.#playPicture(video, frame);
      else if (showing === this.#current) this.audio.play(frame);
    });
    playout.delayMs = this.#delayMs;
    const assembler = new FrameAssembler((frame) => playout.push(frame));
    const stream = new ViewerStream(this.context, {
      streamId,
      uplinkMbps,
      relayOnly,
      duty: this.duty,
      silenceMs,
      connectTimeoutMs,
      onChunk: (chunk) => assembler.push(chunk, performance.now()),
      onTick: (stripes) => {
        for (const stripe of stripes) assembler.expect(stripe);
        assembler.tick(performance.now());
      },
      bufferMs: () => video.bufferMs,
      onFault: (fault) => this.emit('fault', fault),
      onChange: () => this.emit('change', undefined),
      onWaiting: (position, estimateMs) => {
        if (showing !== this.#current) return;
        this.#setState('waiting');
        this.emit('waiting', { position, estimateMs });
      },
      onEnded: (reason) => {
        if (showing === this.#current) this.#ended(reason);
        else this.#raidFailed(showing);
      },
      onResumed: () => {
        if (showing === this.#current && this.#state === 'reconnecting') this.#setState(video.framesDecoded > 0 ? 'playing' : 'connecting');
      },
      onFailed: (error) => {
        if (showing === this.#next) return this.#raidFailed(showing);
        this.emit('error', error);
        this.#ended(error.reason);
      },
    });
    const showing: Showing = { stream, video, playout };
    return showing;
  }

  #playPicture(video: VideoPlayer, frame: MediaFrame): void {
    if (this.#picture === 'full' || (this.#picture === 'key-frames' && frame.key)) video.play(frame);
  }

  #leave(showing: Showing | undefined): void {
    showing?.stream.leave();
    showing?.playout.close();
    showing?.video.close();
  }

  async #follow(raid: Raid): Promise<void> {
    const { raidId, targetStreamId, targetTitle } = raid;
    if (this.#closed || this.#raids.has(raidId)) return;
    if (raid.cancelled) {
      if (raidId === this.#coming?.raidId) this.#callOff('cancelled');
      return;
    }
    if (targetStreamId === this.streamId) return;
    const isThere = this.#next?.stream.streamId === targetStreamId;
    if (raid.countdownMs > 0) {
      const { targetChannel, viewers } = raid;
      const isNews = raidId !== this.#coming?.raidId || targetStreamId !== this.#coming.targetStreamId;
      this.#coming = { raidId, targetStreamId, targetChannel, targetTitle, viewers, movesAt: performance.now() + raid.countdownMs };
      if (!isThere && this.#isNextUnseen) this.#dropUnseen();
      if (isNews) this.emit('raid', { phase: 'announced', targetStreamId, targetTitle });
      if (!raid.placed || this.#next) return;
      this.#isNextUnseen = true;
    } else {
      this.#raids.add(raidId);
      this.#coming = undefined;
      this.emit('raid', { phase: 'started', targetStreamId, targetTitle });
      const wasUnseen = this.#isNextUnseen;
      this.#isNextUnseen = false;
      // Its next picture is the first that is shown.
      if (isThere && wasUnseen) return;
      this.#leave(this.#next);
    }
    const next = this.#show(targetStreamId);
    this.#next = next;
    try {
      await next.stream.join();
    } catch (error) {
      if (!this.#isNextUnseen && next === this.#next) this.emit('error', BeaconError.from(error));
      this.#raidFailed(next);
    }
  }

  /** The raid that was announced does not come, or not for this viewer. */
  #callOff(phase: 'cancelled' | 'declined'): void {
    const { targetStreamId, targetTitle } = this.#coming!;
    this.#coming = undefined;
    this.#dropUnseen();
    this.emit('raid', { phase, targetStreamId, targetTitle });
  }

  #dropUnseen(): void {
    if (!this.#isNextUnseen) return;
    this.#isNextUnseen = false;
    this.#leave(this.#next);
    this.#next = undefined;
  }

  #switchOver(next: Showing): void {
    const former = this.#current;
    this.#current = next;
    this.#next = undefined;
    this.emit('raid', { phase: 'playing', targetStreamId: next.stream.streamId, targetTitle: next.stream.title });
    this.emit('change', undefined);
    this.#leave(former);
  }

  #raidFailed(next: Showing): void {
    if (next !== this.#next) return;
    // There is time for another attempt when the raid moves.
    if (this.#isNextUnseen) return this.#dropUnseen();
    this.#leave(next);
    this.#next = undefined;
    this.emit('raid', { phase: 'failed', targetStreamId: next.stream.streamId, targetTitle: next.stream.title });
    if (this.#current.stream.ended) this.#ended('ended');
  }

  /** While a raid is under way the end of the old stream is no end: the last picture stays until the new one plays. */
  #ended(reason: string): void {
    // A raid that had not begun by then does not come any more.
    this.#dropUnseen();
    this.#coming = undefined;
    if (this.#next || this.#closed) return;
    this.#setState('ended');
    this.emit('ended', { streamId: this.streamId, reason });
    const ended = this.#current;
    // Peers below may still be on their way to a raid's target; until then they get what there is.
    setTimeout(() => {
      ended.stream.close();
      ended.playout.close();
      ended.video.close();
    }, LINGER_MS);
  }

  /** `ended` is not final: a raid that is announced a moment later still moves the viewer on. */
  #setState(state: WatchState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit('state', state);
  }
}
