import { fromBase64Url } from '../mesh/tickets';

/** Why a token is asked for. */
export type TokenRequest = 'initial' | 'expiring' | 'rejected';

/** Returns an access token. Asked again before the last one expires and after the server refused one. */
export type TokenProvider = (request: TokenRequest) => Promise<string> | string;

/** Longest delay that setTimeout takes without firing at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Holds the access token and renews it in time. */
export class TokenKeeper {
  #token: string | undefined;
  #rejected = false;
  #asking: Promise<string> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly provider: TokenProvider,
    private readonly onRenewed: (token: string) => void,
  ) {}

  get token(): string | undefined {
    return this.#token;
  }

  /** The token to connect with, renewed first when the last one was refused or is about to expire. */
  async current(): Promise<string> {
    if (this.#token === undefined) return await this.#ask('initial');
    if (this.#rejected) return await this.#ask('rejected');
    if (renewalDelayMs(this.#token, Date.now()) <= 0) return await this.#ask('expiring');
    return this.#token;
  }

  /** The server refused the token: another one is asked for before the next connection. */
  suspect(): void {
    this.#rejected = true;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** All who need a token meanwhile wait for the same one: a refresh token works once. */
  #ask(request: TokenRequest): Promise<string> {
    this.#asking ??= Promise.resolve(this.provider(request))
      .then((token) => {
        this.#token = token;
        this.#rejected = false;
        this.#schedule(renewalDelayMs(token, Date.now()));
        return token;
      })
      .finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (delayMs >= MAX_TIMER_MS) return;
    // At least a second, so that a provider that returns an expired token is not asked in a tight loop.
    this.#timer = setTimeout(() => void this.#renew(), Math.max(1000, delayMs));
  }

  async #renew(): Promise<void> {
    try {
      this.onRenewed(await this.#ask('expiring'));
    } catch {
      this.#schedule(5000);
    }
  }
}

/**
 * When to renew: at a fifth of the remaining life before expiry, at most a minute before. A token that is not a JWT or has
 * no expiry is never renewed. Exported for its tests.
 */
export function renewalDelayMs(token: string, nowMs: number): number {
  try {
    const payload = token.split('.')[1] ?? '';
    const claims = JSON.parse(new TextDecoder().decode(fromBase64Url(payload))) as { exp?: unknown; iat?: unknown };
    if (typeof claims.exp !== 'number') return Number.POSITIVE_INFINITY;
    const lifeMs = typeof claims.iat === 'number' ? (claims.exp - claims.iat) * 1000 : 300_000;
    return claims.exp * 1000 - Math.min(60_000, lifeMs / 5) - nowMs;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
