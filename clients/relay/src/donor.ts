import { BeaconApi, BeaconClient, BeaconError, type GuestSession, type Relay, type RtcFactory, type StreamSummary, type TokenProvider } from 'beacon-client';
import { WebSocket } from 'ws';

export interface DonorOptions {
  url: string;
  streamId: string | undefined;
  uplinkMbps: number;
  name: string;
  token: string | undefined;
  rtc: RtcFactory;
  log: (line: string) => void;
  /** How often it looks for a stream that needs it, and says what it does, in milliseconds. */
  intervalMs?: number;
}

/** Relays one stream after the other until it is stopped. */
export class Donor {
  readonly #client: BeaconClient;
  readonly #abort = new AbortController();
  #relay: Relay | undefined;

  constructor(private readonly options: DonorOptions) {
    const { url, token, name, rtc } = options;
    this.#client = new BeaconClient({
      url,
      token: token ?? guestTokens(new BeaconApi(url), name),
      rtc,
      webSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    });
    this.#client.on('error', ({ reason, message }) => options.log(`${reason}: ${message}`));
    this.#client.on('wallet', ({ balanceMicrocredits }) => options.log(`balance ${Number(balanceMicrocredits) / 1_000_000} credits`));
  }

  /** The stream it relays now. */
  get relay(): Relay | undefined {
    return this.#relay;
  }

  /** Resolves when the named stream is over, or when it was stopped. */
  async run(): Promise<void> {
    const { streamId } = this.options;
    while (!this.#abort.signal.aborted) {
      const next = streamId ?? mostInNeed(await this.#client.api.streams())?.streamId;
      if (next) {
        try {
          await this.#serve(next);
        } catch (cause) {
          const error = BeaconError.from(cause);
          if (streamId) throw error;
          this.options.log(`${error.reason}: ${error.message}`);
        }
        if (streamId) return;
      } else this.options.log('no stream is live');
      await this.#pause();
    }
  }

  stop(): void {
    this.#abort.abort();
    this.#relay?.stop();
    this.#client.close();
  }

  async #serve(streamId: string): Promise<void> {
    const { log, uplinkMbps, intervalMs = 10_000 } = this.options;
    const relay = await this.#client.relay({ streamId, uplinkMbps });
    this.#relay = relay;
    log(`relaying “${relay.title}” (${streamId})`);
    relay.on('waiting', ({ position }) => log(`waiting for a place, number ${position} in the queue`));
    relay.on('fault', ({ peerId, kind }) => log(`left parent ${peerId}: ${kind}`));
    const report = setInterval(() => log(describe(relay)), intervalMs);
    try {
      await new Promise<void>((resolve) => {
        relay.on('ended', () => resolve());
        this.#abort.signal.addEventListener('abort', () => resolve(), { once: true });
        if (relay.endReason !== undefined || this.#abort.signal.aborted) resolve();
      });
      if (relay.endReason !== undefined) log(`over: ${relay.endReason}`);
    } finally {
      clearInterval(report);
      this.#relay = undefined;
    }
  }

  #pause(): Promise<void> {
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer = setTimeout(resolve, this.options.intervalMs ?? 10_000);
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
}

/** The stream whose viewers have the fewest free slots among them. */
export function mostInNeed(streams: readonly StreamSummary[]): StreamSummary | undefined {
  const spare = ({ spareSlots = 0, viewers = 0 }: StreamSummary) => spareSlots / (viewers + 1);
  return streams.reduce<StreamSummary | undefined>((neediest, stream) => (!neediest || spare(stream) < spare(neediest) ? stream : neediest), undefined);
}

function describe(relay: Relay): string {
  const { bytesReceived, bytesRelayed, childPeerIds, parents } = relay.stats();
  const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `parent ${parents[0]?.parentPeerId ?? 'none'}, ${childPeerIds.length} children, received ${megabytes(bytesReceived)}, relayed ${megabytes(bytesRelayed)}`;
}

/** A guest account for as long as the process lives. A refresh token works once; when it no longer does, a new guest goes on. */
export function guestTokens(api: Pick<BeaconApi, 'createGuest' | 'refreshTokens'>, name: string): TokenProvider {
  let session: GuestSession | undefined;
  return async () => {
    const former = session;
    session = former ? await api.refreshTokens(former.refreshToken).catch(() => api.createGuest(name)) : await api.createGuest(name);
    return session.accessToken;
  };
}
