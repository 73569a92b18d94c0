import { Backoff } from '../backoff';
import { BeaconError } from '../errors';
import { Emitter } from '../events';
import type { Welcome } from '../gen/beacon/signaling/v1/frames_pb';
import type { ClientFramePayload, ServerFramePayload } from './frames';
import type { TokenKeeper } from './tokens';
import { newTrace } from './trace';

export type { ServerFramePayload } from './frames';
/** `waiting`: the connection was lost, and the next attempt comes after a while. */
export type SocketState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

export interface SocketEvents {
  state: SocketState;
  /** A session began: the first one, or the next after a lost connection. */
  welcome: Welcome;
  /** Every frame that answers no request of ours. */
  frame: ServerFramePayload;
}

export interface SignalingSocketOptions {
  url: string;
  tokens: TokenKeeper;
  backoff?: Backoff;
  /** How long an answer is waited for, in milliseconds. */
  requestTimeoutMs?: number;
  webSocket?: typeof WebSocket;
}

interface PendingRequest {
  resolve: (frame: ServerFramePayload) => void;
  reject: (error: BeaconError) => void;
  timer: ReturnType<typeof setTimeout>;
}

/** The close code with which the server says that the access token expired, or was never good. */
const TOKEN_EXPIRED = 4401;
/** A handshake that has not led to `welcome` by then is given up. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** One signalling session after the other: reconnects with back-off until it is closed, and matches answers to requests. */
export class SignalingSocket extends Emitter<SocketEvents> {
  readonly #backoff: Backoff;
  readonly #requestTimeoutMs: number;
  readonly #WebSocket: typeof WebSocket;
  readonly #pending = new Map<bigint, PendingRequest>();
  #socket: WebSocket | undefined;
  #codec: typeof import('./frames') | undefined;
  #welcome: Welcome | undefined;
  #state: SocketState = 'idle';
  #lastRequestId = 0n;
  #lastTraceId = '';
  #accountId = '';
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: SignalingSocketOptions) {
    super();
    this.#backoff = options.backoff ?? new Backoff({ firstMs: 250, maxMs: 5000 });
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 10_000;
    this.#WebSocket = options.webSocket ?? WebSocket;
  }

  get state(): SocketState {
    return this.#state;
  }

  /** The present session's greeting, undefined while there is no session. */
  get welcome(): Welcome | undefined {
    return this.#state === 'open' ? this.#welcome : undefined;
  }

  /** Whose sessions these are: the account of the last greeting. */
  get accountId(): string {
    return this.#accountId;
  }

  /** The trace of the latest request, 32 hexadecimal digits; empty before the first. */
  get lastTraceId(): string {
    return this.#lastTraceId;
  }

  /** Starts to connect; does nothing when that has been done. */
  open(): void {
    if (this.#state === 'idle') void this.#connect();
  }

  /** Resolves when there is a session. */
  async ready(timeoutMs: number): Promise<Welcome> {
    this.open();
    if (this.welcome) return this.welcome;
    return await new Promise<Welcome>((resolve, reject) => {
      const stops: (() => void)[] = [];
      const settle = (act: () => void) => {
        clearTimeout(timer);
        for (const stop of stops) stop();
        act();
      };
      const timer = setTimeout(
        () => settle(() => reject(new BeaconError('disconnected', 'The server cannot be reached.', true))),
        timeoutMs,
      );
      stops.push(
        this.on('welcome', (welcome) => settle(() => resolve(welcome))),
        this.on('state', (state) => {
          if (state === 'closed') settle(() => reject(new BeaconError('closed', 'The client was closed.')));
        }),
      );
    });
  }

  /** False when there is no session; the frame is then dropped, because what it says belongs to the session. */
  send(frame: ClientFramePayload): boolean {
    return this.#write(0n, frame);
  }

  /** Sends a frame and waits for its answer. Rejects with the server's error, or `disconnected`, or `timeout`. */
  request(frame: ClientFramePayload): Promise<ServerFramePayload> {
    const requestId = ++this.#lastRequestId;
    const { traceId, traceparent } = newTrace();
    this.#lastTraceId = traceId;
    return new Promise((resolve, reject) => {
      if (!this.#write(requestId, frame, traceparent)) {
        reject(new BeaconError('disconnected', 'There is no connection to the server.', true));
        return;
      }
      const timer = setTimeout(() => {
        this.#pending.delete(requestId);
        reject(new BeaconError('timeout', `The server did not answer ${frame.case ?? 'the frame'} in time.`, true));
      }, this.#requestTimeoutMs);
      this.#pending.set(requestId, { resolve, reject, timer });
    });
  }

  close(): void {
    this.#setState('closed');
    clearTimeout(this.#reconnectTimer);
    this.#socket?.close(1000);
    this.#socket = undefined;
    this.#rejectPending(new BeaconError('closed', 'The client was closed.'));
  }

  async #connect(): Promise<void> {
    this.#setState('connecting');
    let token: string;
    try {
      // Who only calls the API does without the code of the frames.
      [token, this.#codec] = await Promise.all([this.options.tokens.current(), this.#codec ?? import('./frames')]);
    } catch {
      this.#reconnectLater();
      return;
    }
    if (this.#state !== 'connecting') return;

    // The token goes as a subprotocol because a browser cannot set headers here and a URL ends up in logs.
    const socket = new this.#WebSocket(this.options.url, ['beacon.v1.proto', `bearer.${token}`]);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#welcome = undefined;
    const handshake = setTimeout(() => socket.close(), HANDSHAKE_TIMEOUT_MS);
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (socket !== this.#socket || typeof data === 'string') return;
      clearTimeout(handshake);
      this.#receive(new Uint8Array(data));
    };
    // The close that follows says all there is to say; where there is no browser, an error that nobody listens to ends the process.
    socket.onerror = () => undefined;
    socket.onclose = ({ code }) => {
      clearTimeout(handshake);
      if (socket !== this.#socket) return;
      this.#socket = undefined;
      // Other refusals and network failures say nothing about the token.
      if (code === TOKEN_EXPIRED) this.options.tokens.suspect();
      this.#rejectPending(new BeaconError('disconnected', 'The connection to the server was lost.', true));
      this.#reconnectLater();
    };
  }

  #reconnectLater(): void {
    if (this.#state === 'closed') return;
    this.#setState('waiting');
    this.#reconnectTimer = setTimeout(() => void this.#connect(), this.#backoff.nextMs());
  }

  #receive(bytes: Uint8Array): void {
    const { requestId, frame } = this.#codec!.decodeFrame(bytes);
    if (frame.case === 'welcome') {
      this.#welcome = frame.value;
      this.#accountId = frame.value.accountId;
      this.#backoff.reset();
      this.#setState('open');
      this.emit('welcome', frame.value);
      return;
    }
    const pending = this.#pending.get(requestId);
    if (!pending) {
      this.emit('frame', frame);
      return;
    }
    this.#pending.delete(requestId);
    clearTimeout(pending.timer);
    if (frame.case === 'error') {
      const { reason, message, retryable } = frame.value;
      pending.reject(new BeaconError(reason, message, retryable));
    } else {
      pending.resolve(frame);
    }
  }

  #write(requestId: bigint, frame: ClientFramePayload, traceparent = ''): boolean {
    if (this.#state !== 'open' || this.#socket?.readyState !== this.#WebSocket.OPEN) return false;
    this.#socket.send(this.#codec!.encodeFrame(requestId, frame, traceparent));
    return true;
  }

  #rejectPending(error: BeaconError): void {
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
  }

  #setState(state: SocketState): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    this.emit('state', state);
  }
}
