import { BeaconApi, BeaconClient, BeaconError, type GuestSession, type TokenRequest } from 'beacon-client';

/** Each tab keeps its own guest, so that two tabs are two people: sessionStorage, not localStorage. */
const STORAGE_KEY = 'beacon.guest';

interface Guest extends GuestSession {
  name: string;
}

/** Who this tab is, and its one connection. */
export class Account {
  readonly client: BeaconClient;
  #guest: Guest;

  private constructor(
    guest: Guest,
    private readonly guests: BeaconApi,
  ) {
    this.#guest = guest;
    this.client = new BeaconClient({ url: location.origin, token: (request) => this.#token(request) });
  }

  static stored(): Account | undefined {
    const text = sessionStorage.getItem(STORAGE_KEY);
    return text ? new Account(JSON.parse(text) as Guest, new BeaconApi(location.origin)) : undefined;
  }

  static async signIn(name: string, operatorKey = ''): Promise<Account> {
    const api = new BeaconApi(location.origin);
    const account = new Account({ ...(await api.createGuest(name, operatorKey)), name }, api);
    account.#store(account.#guest);
    return account;
  }

  /** Ends what runs under it, and forgets it: its credits stay, but nobody can come back to them. */
  signOut(): void {
    sessionStorage.removeItem(STORAGE_KEY);
    this.client.close();
  }

  get api(): BeaconApi {
    return this.client.api;
  }

  get name(): string {
    return this.#guest.name;
  }

  get accountId(): string {
    return this.#guest.accountId;
  }

  get channel(): string {
    return this.#guest.channel;
  }

  get isOperator(): boolean {
    return scopesOf(this.#guest.accessToken).includes('operator');
  }

  async #token(request: TokenRequest): Promise<string> {
    const expired = Date.parse(this.#guest.expiresAt) < Date.now() + 10_000;
    if (request === 'initial' && !expired) return this.#guest.accessToken;
    const { name } = this.#guest;
    try {
      this.#store({ ...(await this.guests.refreshTokens(this.#guest.refreshToken)), name });
    } catch (error) {
      const forgotten = error instanceof BeaconError && error.reason === 'invalid_refresh_token';
      // A server that knows neither token has lost this guest; under the same name the tab goes on as a new one.
      if (forgotten && (expired || request === 'rejected')) this.#store({ ...(await this.guests.createGuest(name)), name });
      // A refresh that failed otherwise may succeed later; until then the token that is still good will do.
      else if (expired) throw error;
    }
    return this.#guest.accessToken;
  }

  #store(guest: Guest): void {
    this.#guest = guest;
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(guest));
  }
}

/** What the token allows, for what the pages offer; the server checks it. */
function scopesOf(accessToken: string): string[] {
  try {
    const payload = accessToken.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const { scope } = JSON.parse(atob(payload)) as { scope?: string };
    return scope?.split(' ') ?? [];
  } catch {
    return [];
  }
}
