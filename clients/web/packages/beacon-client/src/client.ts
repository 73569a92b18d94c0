import { BeaconApi } from './api';
import type { Broadcast, BroadcastOptions } from './broadcast';
import { BeaconError } from './errors';
import { Emitter } from './events';
import type { RtcFactory } from './mesh/peerConnection';
import type { Relay, RelayOptions } from './relay';
import type { SessionContext } from './session';
import { SignalingSocket, type SocketState } from './signaling/socket';
import { TokenKeeper, type TokenProvider } from './signaling/tokens';
import type { Watch, WatchOptions } from './watch';

/** Whom to connect to, and as whom. */
export interface BeaconClientOptions {
  /** Origin of the server, e.g. `https://beacon.example`. */
  url: string;
  /** A fixed access token, or a function that returns a fresh one whenever it is asked. */
  token: string | TokenProvider;
  /** How long the first answer of the server is waited for, in milliseconds. Default 15,000. */
  readyTimeoutMs?: number;
  /** Makes peer connections, where the platform has no `RTCPeerConnection` of its own or another one is wanted. */
  rtc?: RtcFactory;
  /** The WebSocket to use, where the platform has none. */
  webSocket?: typeof WebSocket;
}

/** What concerns the account, whatever it watches. */
export interface BeaconClientEvents {
  /** The connection to the server changed. */
  connection: SocketState;
  /** The balance changed. */
  wallet: {
    /** After the change, in micro-credits. */
    balanceMicrocredits: bigint;
    /** In micro-credits. */
    amountMicrocredits: bigint;
    /** `relay`, `tip`, `sponsorship`, `deposit`, `refund` or `withdrawal`. */
    code: string;
  };
  /** A stream of this account got a tip. */
  tip: {
    /** The stream, a UUID. */
    streamId: string;
    /** Who gave it. */
    fromName: string;
    /** In micro-credits. */
    amountMicrocredits: bigint;
  };
  /** The server refused a frame that nobody waits for the answer of. */
  error: BeaconError;
}

/** TURN credentials are made for longer than this, and a stream's peers connect again and again. */
const ICE_SERVERS_FRESH_MS = 5 * 60_000;

/** One account's connection to Beacon. Broadcasts and watches share it. What a page does not use of it is not loaded. */
export class BeaconClient extends Emitter<BeaconClientEvents> {
  /** The REST calls, as the same account. */
  readonly api: BeaconApi;
  readonly #tokens: TokenKeeper;
  readonly #socket: SignalingSocket;
  readonly #context: SessionContext;
  #iceServers: { at: number; servers: Promise<RTCIceServer[]> } | undefined;

  /** Connects when the first session begins. */
  constructor(options: BeaconClientOptions) {
    super();
    const { url, token } = options;
    const origin = url.replace(/\/$/, '');
    this.#tokens = new TokenKeeper(typeof token === 'string' ? () => token : token, (accessToken) =>
      this.#socket.send({ case: 'refresh', value: { accessToken } }),
    );
    this.api = new BeaconApi(origin, () => this.#tokens.current());
    this.#socket = new SignalingSocket({
      url: `${origin.replace(/^http/, 'ws')}/ws`,
      tokens: this.#tokens,
      ...(options.webSocket ? { webSocket: options.webSocket } : {}),
    });
    this.#context = {
      socket: this.#socket,
      api: this.api,
      iceServers: () => this.#freshIceServers(),
      rtc: options.rtc ?? ((configuration) => new RTCPeerConnection(configuration)),
      readyTimeoutMs: options.readyTimeoutMs ?? 15_000,
    };
    this.#socket.on('state', (state) => this.emit('connection', state));
    this.#socket.on('frame', (frame) => {
      if (frame.case === 'walletUpdate') this.emit('wallet', frame.value);
      else if (frame.case === 'tipReceived') this.emit('tip', frame.value);
      else if (frame.case === 'error') this.emit('error', new BeaconError(frame.value.reason, frame.value.message, frame.value.retryable));
    });
  }

  /** Of the WebSocket. */
  get connection(): SocketState {
    return this.#socket.state;
  }

  /** Who the token says this is; empty before the server said hello. */
  get accountId(): string {
    return this.#socket.accountId;
  }

  /** The token in use, undefined before the first call. */
  get accessToken(): string | undefined {
    return this.#tokens.token;
  }

  /** Goes live. Rejects with a BeaconError, e.g. `channel_already_live`. */
  async broadcast(options: BroadcastOptions): Promise<Broadcast> {
    const { Broadcast } = await import('./broadcast');
    return await Broadcast.start(this.#context, options);
  }

  /** Joins a stream to relay it, without playing it. Rejects with a BeaconError, e.g. `unknown_stream`. */
  async relay(options: RelayOptions): Promise<Relay> {
    const { Relay } = await import('./relay');
    return await Relay.start(this.#context, options);
  }

  /** Joins a stream. Rejects with a BeaconError, e.g. `unknown_stream`. */
  async watch(options: WatchOptions): Promise<Watch> {
    const { Watch } = await import('./watch');
    return await Watch.start(this.#context, options);
  }

  /** Ends the connection; broadcasts and watches are to be stopped before. */
  close(): void {
    this.#socket.close();
    this.#tokens.close();
  }

  /** Without an answer peers on the same network still find each other, so that is no reason not to start. */
  #freshIceServers(): Promise<RTCIceServer[]> {
    if (!this.#iceServers || Date.now() - this.#iceServers.at > ICE_SERVERS_FRESH_MS) {
      const servers = this.api.iceServers().catch(() => {
        this.#iceServers = undefined;
        return [];
      });
      this.#iceServers = { at: Date.now(), servers };
    }
    return this.#iceServers.servers;
  }
}
