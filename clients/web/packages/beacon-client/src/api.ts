import { BeaconError } from './errors';

/** A guest account and its tokens. */
export interface GuestSession {
  /** The account. */
  accountId: string;
  /** For calls and the WebSocket, until it expires. */
  accessToken: string;
  /** For the next pair of tokens; works once. */
  refreshToken: string;
  /** ISO 8601. */
  expiresAt: string;
  /** The account's permanent handle as a broadcaster. */
  channel: string;
}

/** A live stream as the directory lists it. */
export interface StreamSummary {
  /** The stream, a UUID. */
  streamId: string;
  /** The broadcaster's permanent handle. */
  channel: string;
  /** 1 to 120 characters. */
  title: string;
  /** The broadcaster's account. */
  broadcasterAccountId: string;
  /** ISO 8601. */
  startedAt: string;
  /** Peers without the broadcaster. */
  viewers: number;
  /** Slots that no child holds. */
  spareSlots: number;
  /** What it is about, as the channel's settings have it. */
  tags?: string[];
  /** A BCP 47 tag, or empty. */
  language?: string;
  /** The accounts that share its revenue, when a squad was set. */
  squadAccountIds?: string[];
}

/** A channel: its live stream, or where it sends its visitors. */
export interface Channel {
  /** The permanent handle. */
  channel: string;
  /** Its live stream. */
  live?: StreamSummary;
  /** Where its visitors go while it has none. */
  host?: StreamSummary;
  /** Why there: `raid` or `auto_host`. */
  hostReason?: string;
}

/** A raid as everybody may see it. */
export interface RaidSummary {
  /** The raid, a UUID. */
  raidId: string;
  /** The stream whose audience moves. */
  fromStreamId: string;
  /** The handle of its broadcaster. */
  fromChannel: string;
  /** `RAID_PHASE_` and `PROPOSED`, `COUNTDOWN`, `MOVING`, `DONE`, `CANCELLED` or `FAILED`. */
  phase: string;
  /** Why it was cancelled or failed. */
  reason?: string;
  /** Where it goes, the main target first. */
  targets?: {
    /** The stream, a UUID. */
    streamId: string;
    /** The permanent handle of its broadcaster. */
    channel: string;
    /** 1 to 120 characters. */
    title: string;
    /** How many go there. */
    viewers?: number;
  }[];
  /** How many viewers it takes along. */
  viewers?: number;
  /** How many of them said that they stay behind. */
  declined?: number;
  /** ISO 8601: when the audience moves or moved. */
  movesAt: string;
}

/** One place in a tree. */
export interface TreePeer {
  /** The peer, a UUID. */
  peerId: string;
  /** Empty for the root. */
  parentPeerId: string;
  /** The second parent, used when the first is lost; empty or undefined without one. */
  standbyPeerId: string;
  /** Number of hops from the broadcaster. */
  depth: number;
  /** How many children it may have. */
  slots: number;
  /** How many it has. */
  children: number;
  /** As the server judges it, e.g. `PEER_HEALTH_GOOD`. */
  health: string;
}

/** Who feeds whom in a stream's first stripe. */
export interface Tree {
  /** The stream, a UUID. */
  streamId: string;
  /** Grows with every change of the tree. */
  version: string;
  /** Parents before children. */
  peers: TreePeer[];
  /** Peers without a place, in order. */
  waitingPeerIds: string[];
}

/** What an account has. One credit is 1,000,000 micro-credits. */
export interface Wallet {
  /** The account. */
  accountId: string;
  /** What it has now, in micro-credits. */
  balanceMicrocredits: bigint;
  /** What it earned by relaying, in micro-credits. */
  earnedByRelayingMicrocredits: bigint;
}

/** A tip that was booked. */
export interface TipResult {
  /** The idempotency key of the transfer. */
  transferId: string;
  /** What it has now, in micro-credits. */
  balanceMicrocredits: bigint;
}

/** What became of a stream that was ended. */
export interface EndResult {
  /** Empty when there was nowhere to go or no raid was wanted. */
  raidId: string;
  /** Where the viewers go, empty when nowhere. */
  targetStreamId: string;
  /** How many were sent on. */
  viewers: number;
}

/** The REST calls that the client needs, in proto JSON: 64-bit integers travel as text and become bigint. */
export class BeaconApi {
  /** The calls of one server, e.g. `https://beacon.example`. Without a token only what needs no account can be asked for. */
  constructor(
    private readonly origin: string,
    private readonly token: () => string | Promise<string | undefined> | undefined = () => undefined,
  ) {}

  /** With the operator key of the installation the token has the `operator` scope. */
  createGuest(name: string, operatorKey = ''): Promise<GuestSession> {
    return this.call('POST', '/api/auth/guest', { name, operatorKey });
  }

  /** The next pair of tokens; a refresh token works once. */
  refreshTokens(refreshToken: string): Promise<GuestSession> {
    return this.call('POST', '/api/auth/refresh', { refreshToken });
  }

  /** STUN and TURN servers, with credentials that expire. */
  async iceServers(): Promise<RTCIceServer[]> {
    const { iceServers = [] } = await this.call<{ iceServers?: RTCIceServer[] }>('GET', '/api/ice-servers');
    // Proto JSON writes absent credentials as empty text, which RTCPeerConnection would take for credentials.
    return iceServers.map(({ urls, username, credential }) => (username ? { urls, username, credential: credential ?? '' } : { urls }));
  }

  /** What is live now, at most a page of it. */
  async streams(): Promise<StreamSummary[]> {
    return (await this.call<{ streams?: StreamSummary[] }>('GET', '/api/streams')).streams ?? [];
  }

  /** Who feeds whom. */
  async tree(streamId: string): Promise<Tree> {
    const tree = await this.call<Partial<Tree>>('GET', `/api/streams/${encodeURIComponent(streamId)}/tree`);
    return { streamId, version: tree.version ?? '0', peers: tree.peers ?? [], waitingPeerIds: tree.waitingPeerIds ?? [] };
  }

  /** What the account has. */
  async wallet(): Promise<Wallet> {
    const wallet = await this.call<Record<string, string | undefined>>('GET', '/api/wallet');
    return {
      accountId: wallet['accountId'] ?? '',
      balanceMicrocredits: BigInt(wallet['balanceMicrocredits'] ?? 0),
      earnedByRelayingMicrocredits: BigInt(wallet['earnedByRelayingMicrocredits'] ?? 0),
    };
  }

  /** The same transfer id again returns the first result: repeat a call whose answer was lost with the same id. */
  async tip(streamId: string, amountMicrocredits: bigint, transferId: string): Promise<TipResult> {
    const body = { streamId, amountMicrocredits: amountMicrocredits.toString(), transferId };
    const result = await this.call<Record<string, string | undefined>>('POST', '/api/tip', body);
    return { transferId, balanceMicrocredits: BigInt(result['balanceMicrocredits'] ?? 0) };
  }

  /** Ends a stream of this account and sends its viewers on, as `Broadcast.end` does. */
  async endStream(streamId: string, raidTarget = ''): Promise<EndResult> {
    const result = await this.call<Partial<EndResult>>('POST', `/api/streams/${encodeURIComponent(streamId)}/end`, { raidTarget });
    return { raidId: result.raidId ?? '', targetStreamId: result.targetStreamId ?? '', viewers: result.viewers ?? 0 };
  }

  /** Announces a raid of the caller's stream; without a target one is drawn. When the countdown (0 to 300 seconds, default 90) is over the stream ends. */
  async startRaid(fromStreamId: string, targetStreamId = '', countdownSeconds?: number): Promise<RaidSummary> {
    const body = { fromStreamId, targetStreamId, ...(countdownSeconds === undefined ? {} : { countdownSeconds }) };
    return (await this.call<{ raid: RaidSummary }>('POST', '/api/raids', body)).raid;
  }

  /** Until the audience moves. The stream goes on. */
  async cancelRaid(raidId: string): Promise<RaidSummary> {
    return (await this.call<{ raid: RaidSummary }>('DELETE', `/api/raids/${encodeURIComponent(raidId)}`)).raid;
  }

  /** The raids from and to a channel, newest first. */
  async raids(channel: string): Promise<RaidSummary[]> {
    return (await this.call<{ raids?: RaidSummary[] }>('GET', `/api/raids?channel=${encodeURIComponent(channel)}`)).raids ?? [];
  }

  /** A channel, by its permanent handle. */
  async channel(name: string): Promise<Channel> {
    return this.call<Channel>('GET', `/api/channels/${encodeURIComponent(name)}`);
  }

  /** Round trip to the server in whole milliseconds, 0 = not measured. The first call pays for the connection, so the second counts. */
  async roundTripMs(): Promise<number> {
    try {
      await fetch(`${this.origin}/alive`, { cache: 'no-store', signal: AbortSignal.timeout(3000) });
      const start = performance.now();
      await fetch(`${this.origin}/alive`, { cache: 'no-store', signal: AbortSignal.timeout(3000) });
      return Math.max(1, Math.round(performance.now() - start));
    } catch {
      return 0;
    }
  }

  /** Any call of the REST API, as the caller: the answer as proto JSON. Rejects with a BeaconError that has the server's reason. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#fetch(method, path, body, AbortSignal.timeout(15_000));
    try {
      return JSON.parse(await response.text()) as T;
    } catch (cause) {
      throw new BeaconError('disconnected', 'The answer of the server broke off.', true, { cause });
    }
  }

  /** A call whose answer goes on and on, one message of proto JSON a line, until it ends or `signal` aborts it. */
  async *messages<T>(path: string, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
    const response = await this.#fetch('GET', path, undefined, signal);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    try {
      for (;;) {
        const { value, done } = await reader.read();
        const lines = (rest + (value ?? '')).split('\n');
        rest = done ? '' : lines.pop()!;
        for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
        if (done) return;
      }
    } catch (cause) {
      throw new BeaconError('disconnected', 'The server is gone.', true, { cause });
    } finally {
      void reader.cancel().catch(() => undefined);
    }
  }

  async #fetch(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const token = await this.token();
    let response: Response;
    try {
      response = await fetch(this.origin + path, {
        method,
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
      });
    } catch (cause) {
      throw new BeaconError('disconnected', 'The server cannot be reached.', true, { cause });
    }
    if (!response.ok) throw errorOf(response, await response.text().catch(() => ''));
    return response;
  }
}

interface StatusJson {
  message?: string;
  details?: { reason?: string; metadata?: { retryable?: string } }[];
}

/** The body of a failed call is a google.rpc.Status with an ErrorInfo; a proxy in between may send anything else. */
function errorOf(response: Response, text: string): BeaconError {
  try {
    const { message, details } = JSON.parse(text) as StatusJson;
    const info = details?.find((detail) => detail.reason !== undefined);
    if (info?.reason) return new BeaconError(info.reason, message ?? info.reason, info.metadata?.retryable === 'true');
  } catch {
    // Not JSON.
  }
  if (response.status === 401) return new BeaconError('unauthorized', 'The access token was refused.');
  return new BeaconError('http_error', `The server answered ${response.status}.`, response.status >= 500);
}
