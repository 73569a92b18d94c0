import { challengeAnswer, challengeDigest } from '../chunks/digests';
import { startsGroup, type Bytes, type Chunk } from '../chunks/header';

export interface Challenge {
  window: bigint;
  stripe: number;
  sequence: number;
  nonce: Uint8Array;
}

export interface Answer {
  window: bigint;
  hmac: Bytes;
}

/** Remembers the digests of recent group starts and answers the window's challenge from them. */
export class ChallengeBook {
  readonly #digests = new Map<string, Promise<Bytes>>();
  #challenge: Challenge | undefined;

  constructor(private readonly keep = 64) {}

  /** Chunks that begin no group are never asked for. */
  note(chunk: Chunk): Promise<Bytes> | undefined {
    if (!startsGroup(chunk)) return undefined;
    const digest = challengeDigest(chunk.bytes);
    this.#digests.set(`${chunk.stripe}/${chunk.sequence}`, digest);
    while (this.#digests.size > this.keep) this.#digests.delete(this.#digests.keys().next().value!);
    return digest;
  }

  /** An older window never replaces a newer one. */
  pose(challenge: Challenge): void {
    if (!this.#challenge || challenge.window >= this.#challenge.window) this.#challenge = challenge;
  }

  /** The answer to the latest challenge, undefined while the chunk it names has not been received. */
  async answer(peerId: string): Promise<Answer | undefined> {
    const challenge = this.#challenge;
    const digest = challenge && (await this.#digests.get(`${challenge.stripe}/${challenge.sequence}`));
    if (!digest) return undefined;
    return { window: challenge.window, hmac: await challengeAnswer(challenge.nonce, digest, peerId) };
  }
}
