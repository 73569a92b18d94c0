import { BeaconError } from './errors';

export interface GuestSession {
  accountId: string;
  accessToken: string;
  refreshToken: string;
  /** ISO 8601. */
  expiresAt: string;
  channel: string;
}

export interface StreamSummary {
  streamId: string;
  channel: string;
  title: string;
  broadcasterAccountId: string;
  startedAt: string;
  viewers: number;
  spareSlots: number;
}

export interface TreePeer {
  peerId: string;
  /** Empty for the root. */
  parentPeerId: string;
  standbyPeerId: string;
  depth: number;
  slots: number;
  children: number;
  health: string;
}

export interface Tree {
  streamId: string;
  version: string;
  peers: TreePeer[];
  waitingPeerIds: string[];
}

export interface Wallet {
  accountId: string;
  balanceMicrocredits: bigint;
  earnedByRelayingMicrocredits: bigint;
}

export interface TipResult {
  transferId: string;
  balanceMicrocredits: bigint;
}

export interface EndResult {
  /** Empty when there was nowhere to go or no raid was wanted. */
  raidId: string;
  targetStreamId: string;
  viewers: number;
}

/** The REST calls that the client needs, in proto JSON: 64-bit integers travel as text and become bigint. */
export class BeaconApi {
  constructor(
    private readonly origin: string,
    private readonly token: () => string | Promise<string | undefined> | undefined = () => undefined,
  ) {}

  createGuest(name: string): Promise<GuestSession> {
    return this.#call('POST', '/api/auth/guest', { name });
  }

  refreshTokens(refreshToken: string): Promise<GuestSession> {
    return this.#call('POST', '/api/auth/refresh', { refreshToken });
  }

  async iceServers(): Promise<RTCIceServer[]> {
    const { iceServers = [] } = await this.#call<{ iceServers?: RTCIceServer[] }>('GET', '/api/ice-servers');
    // Proto JSON writes absent credentials as empty text, which RTCPeerConnection would take for credentials.
    return iceServers.map(({ urls, username, credential }) => (username ? { urls, username, credential: credential ?? '' } : { urls }));
  }

  async streams(): Promise<StreamSummary[]> {
    return (await this.#call<{ streams?: StreamSummary[] }>('GET', '/api/streams')).streams ?? [];
  }

  async tree(streamId: string): Promise<Tree> {
    const tree = await this.#call<Partial<Tree>>('GET', `/api/streams/${encodeURIComponent(streamId)}/tree`);
    return { streamId, version: tree.version ?? '0', peers: tree.peers ?? [], waitingPeerIds: tree.waitingPeerIds ?? [] };
  }

  async wallet(): Promise<Wallet> {
    const wallet = await this.#call<Record<string, string | undefined>>('GET', '/api/wallet');
    return {
      accountId: wallet['accountId'] ?? '',
      balanceMicrocredits: BigInt(wallet['balanceMicrocredits'] ?? 0),
      earnedByRelayingMicrocredits: BigInt(wallet['earnedByRelayingMicrocredits'] ?? 0),
    };
  }

  /** The same transfer id again returns the first result: repeat a call whose answer was lost with the same id. */
  async tip(streamId: string, amountMicrocredits: bigint, transferId: string): Promise<TipResult> {
    const body = { streamId, amountMicrocredits: amountMicrocredits.toString(), transferId };
    const result = await this.#call<Record<string, string | undefined>>('POST', '/api/tip', body);
    return { transferId, balanceMicrocredits: BigInt(result['balanceMicrocredits'] ?? 0) };
  }

  async endStream(streamId: string, raidTarget = ''): Promise<EndResult> {
    const result = await this.#call<Partial<EndResult>>('POST', `/api/streams/${encodeURIComponent(streamId)}/end`, { raidTarget });
    return { raidId: result.raidId ?? '', targetStreamId: result.targetStreamId ?? '', viewers: result.viewers ?? 0 };
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

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
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
        signal: AbortSignal.timeout(15_000),
      });
    } catch (cause) {
      throw new BeaconError('disconnected', 'The server cannot be reached.', true, { cause });
    }
    const text = await response.text();
    if (!response.ok) throw errorOf(response, text);
    return JSON.parse(text) as T;
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
