import type { Bytes } from '../chunks/header';

/** What an edge ticket grants: this child may be served this stripe by this parent until `exp` (Unix seconds). */
export interface EdgeTicket {
  stream: string;
  stripe: number;
  parent: string;
  child: string;
  exp: number;
}

/** A key that verifies compact JWS of one algorithm. */
class JwsKey {
  readonly #key: Promise<CryptoKey>;

  constructor(
    private readonly alg: string,
    private readonly algorithm: EcdsaParams | { name: 'HMAC' },
    key: Promise<CryptoKey>,
  ) {
    this.#key = key;
    // A key that cannot be read shows at the first ticket, not as an unhandled rejection.
    this.#key.catch(() => undefined);
  }

  /** The claims of a well-signed compact JWS, undefined for every other text. */
  async claims(token: string): Promise<Record<string, unknown> | undefined> {
    const [header, payload, signature, ...rest] = token.split('.');
    if (!header || !payload || !signature || rest.length > 0) return undefined;
    try {
      if (parseJson(header)['alg'] !== this.alg) return undefined;
      const signed = new TextEncoder().encode(`${header}.${payload}`);
      const valid = await crypto.subtle.verify(this.algorithm, await this.#key, fromBase64Url(signature), signed);
      return valid ? parseJson(payload) : undefined;
    } catch {
      return undefined;
    }
  }

  /** True only for a well-signed, unexpired ticket of exactly this edge. */
  async grants(ticket: string, edge: Omit<EdgeTicket, 'exp'>, nowMs: number): Promise<boolean> {
    const claims = await this.claims(ticket);
    return (
      claims?.['typ'] === 'beacon-edge' &&
      claims['stream'] === edge.stream &&
      claims['stripe'] === edge.stripe &&
      claims['parent'] === edge.parent &&
      claims['child'] === edge.child &&
      typeof claims['exp'] === 'number' &&
      claims['exp'] * 1000 > nowMs
    );
  }
}

/** The server's public key from `welcome`, which signs edge tickets and key certificates. */
export class ServerKey extends JwsKey {
  constructor(readonly jwk: string) {
    super('ES256', { name: 'ECDSA', hash: 'SHA-256' }, importKey(jwk));
  }
}

/** This peer's own key, which it shares with the server alone: tickets to it are then keyed digests, a twentieth of the price of a signature. */
export class TicketKey extends JwsKey {
  constructor(bytes: Bytes) {
    super('HS256', { name: 'HMAC' }, crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']));
  }
}

async function importKey(jwk: string): Promise<CryptoKey> {
  // Only what makes the key: `use`, `key_ops` or `alg` of an issuer's JWK set could make WebCrypto refuse it.
  const { kty, crv, x, y } = JSON.parse(jwk) as JsonWebKey;
  return await crypto.subtle.importKey('jwk', { kty, crv, x, y } as JsonWebKey, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
}

function parseJson(part: string): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(fromBase64Url(part))) as Record<string, unknown>;
}

export function fromBase64Url(text: string): Bytes {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
