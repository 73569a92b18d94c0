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
    private readonly api: BeaconApi,
  ) {
    this.#guest = guest;
    this.client = new BeaconClient({ url: location.origin, token: (request) => this.#token(request) });
  }

  static stored(): Account | undefined {
    const text = sessionStorage.getItem(STORAGE_KEY);
    return text ? new Account(JSON.parse(text) as Guest, new BeaconApi(location.origin)) : undefined;
  }

  static async signIn(name: string): Promise<Account> {
    const api = new BeaconApi(location.origin);
    const account = new Account({ ...(await api.createGuest(name)), name }, api);
    account.#store(account.#guest);
    return account;
  }

  get name(): string {
    return this.#guest.name;
  }

  get accountId(): string {
    return this.#guest.accountId;
  }

  async #token(request: TokenRequest): Promise<string> {
    const expired = Date.parse(this.#guest.expiresAt) < Date.now() + 10_000;
    if (request === 'initial' && !expired) return this.#guest.accessToken;
    const { name } = this.#guest;
    try {
      this.#store({ ...(await this.api.refreshTokens(this.#guest.refreshToken)), name });
    } catch (error) {
      const forgotten = error instanceof BeaconError && error.reason === 'invalid_refresh_token';
      // A server that knows neither token has lost this guest; under the same name the tab goes on as a new one.
      if (forgotten && (expired || request === 'rejected')) this.#store({ ...(await this.api.createGuest(name)), name });
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
