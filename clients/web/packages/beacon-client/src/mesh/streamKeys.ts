import type { Chunk } from '../chunks/header';
import { FrameKey } from '../chunks/signing';
import type { ServerKey } from './tickets';

/** A broadcaster takes another key when its page is loaded anew; more than these in one stream are not remembered. */
const MAX_KEYS = 4;
/** Certificates under examination: each costs a signature check. */
const MAX_PENDING = 8;

/** The keys that the server vouched for as this stream's, newest last. Their certificates come down the tree, from parent to child. */
export class StreamKeys {
  readonly #keys = new Map<string, FrameKey>();
  readonly #pending = new Map<string, Promise<boolean>>();

  constructor(
    private readonly streamId: string,
    private readonly serverKey: () => ServerKey | undefined,
    /** A certificate that was not known before and is good: to be passed on. */
    private readonly onAdded: (certificate: string) => void = () => undefined,
  ) {}

  get certificates(): string[] {
    return [...this.#keys.keys()];
  }

  /** False for a certificate that is not the server's, or another stream's. */
  add(certificate: string): Promise<boolean> {
    if (this.#keys.has(certificate)) return Promise.resolve(true);
    const known = this.#pending.get(certificate);
    if (known) return known;
    if (this.#pending.size >= MAX_PENDING) return Promise.resolve(false);
    const examined = this.#examine(certificate).finally(() => this.#pending.delete(certificate));
    this.#pending.set(certificate, examined);
    return examined;
  }

  /** True when one of the keys signed the frame that this chunk begins. The newest is tried first: the others are history. */
  async signed(first: Chunk): Promise<boolean> {
    if (this.#pending.size > 0) await Promise.all(this.#pending.values());
    for (const key of [...this.#keys.values()].reverse()) {
      if (await key.signed(first)) return true;
    }
    return false;
  }

  async #examine(certificate: string): Promise<boolean> {
    const claims = await this.serverKey()?.claims(certificate);
    if (claims?.['typ'] !== 'beacon-stream-key' || claims['stream'] !== this.streamId) return false;
    try {
      this.#keys.set(certificate, await FrameKey.import(claims['key'] as JsonWebKey));
    } catch {
      return false;
    }
    if (this.#keys.size > MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value!);
    this.onAdded(certificate);
    return true;
  }
}
