import { Emitter } from './events';
import type { BeaconError } from './errors';
import type { ParentFault } from './mesh/streamPeer';
import type { SessionContext } from './session';
import { noPeer, peerStats, type PeerStats } from './stats';
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_SILENCE_MS, ViewerStream } from './viewerStream';

/** What to relay. */
export interface RelayOptions {
  /** The stream, a UUID. */
  streamId: string;
  /** The most that this machine gives to viewers, in Mbit/s. Default 20. */
  uplinkMbps?: number;
  /** A parent of which nothing is heard for this long is lost, in milliseconds. Default 130. */
  silenceMs?: number;
  /** How long a connection to a parent may take, in milliseconds. Default 4,000. */
  connectTimeoutMs?: number;
}

/** What a relay tells. */
export interface RelayEvents {
  /** Parents or children changed. */
  change: undefined;
  /** All slots are taken: the place in the queue. */
  waiting: {
    /** From 1. */
    position: number;
    /** How long it may take, in milliseconds, 0 = not known. */
    estimateMs: number;
  };
  /** A parent broke the rules and was left. */
  fault: ParentFault;
  /** The stream is over, or cannot be reached any more. */
  ended: {
    /** The stream, a UUID. */
    streamId: string;
    /** `ended`, `broadcaster_lost`, or the reason of an error. */
    reason: string;
  };
  /** It cannot go on, or something was refused. */
  error: BeaconError;
}

/** A donor of bandwidth: takes a stream in and passes it on, and plays nothing. Runs wherever there is WebRTC, also without a browser. */
export class Relay extends Emitter<RelayEvents> {
  readonly #stream: ViewerStream;
  #closed = false;
  #endReason: string | undefined;

  private constructor(
    private readonly context: SessionContext,
    options: RelayOptions,
  ) {
    super();
    const { streamId, uplinkMbps = 20, silenceMs = DEFAULT_SILENCE_MS, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = options;
    this.#stream = new ViewerStream(context, {
      streamId,
      uplinkMbps,
      silenceMs,
      connectTimeoutMs,
      onChunk: () => undefined,
      bufferMs: () => 0,
      onFault: (fault) => this.emit('fault', fault),
      onChange: () => this.emit('change', undefined),
      onWaiting: (position, estimateMs) => this.emit('waiting', { position, estimateMs }),
      onEnded: (reason) => this.#ended(reason),
      onResumed: () => this.emit('change', undefined),
      onFailed: (error) => {
        this.emit('error', error);
        this.#ended(error.reason);
      },
    });
  }

  /** @internal Resolves when the server has let this relay in. */
  static async start(context: SessionContext, options: RelayOptions): Promise<Relay> {
    const relay = new Relay(context, options);
    try {
      await relay.#stream.join();
    } catch (error) {
      relay.stop();
      throw error;
    }
    return relay;
  }

  /** The stream, a UUID. */
  get streamId(): string {
    return this.#stream.streamId;
  }

  /** Of the stream, 1 to 120 characters. */
  get title(): string {
    return this.#stream.title;
  }

  /** Why it is over; undefined while it is not. An end that came with the beginning is heard of only here. */
  get endReason(): string | undefined {
    return this.#endReason;
  }

  /** What it receives from whom, and forwards to whom. */
  stats(): PeerStats {
    const { peer, streamId } = this.#stream;
    return peer ? peerStats(peer, this.context.socket) : noPeer(streamId, this.context.socket);
  }

  /** Leaves the stream; its children are given other parents. */
  stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.leave();
  }

  #ended(reason: string): void {
    if (this.#closed) return;
    this.#endReason = reason;
    this.emit('ended', { streamId: this.streamId, reason });
    this.stop();
  }
}
