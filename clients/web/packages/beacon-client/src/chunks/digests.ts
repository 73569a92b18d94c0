import type { Bytes } from './header';

const CONTEXT = new TextEncoder().encode('beacon.challenge.v1');

/** What the root announces and a challenge asks for: SHA-256 over the context text and the whole chunk. */
export async function challengeDigest(chunk: Uint8Array): Promise<Bytes> {
  const input = new Uint8Array(CONTEXT.length + chunk.length);
  input.set(CONTEXT);
  input.set(chunk, CONTEXT.length);
  return new Uint8Array(await crypto.subtle.digest('SHA-256', input));
}

/** HMAC-SHA-256 with the nonce as key over the digest and the peer id: nobody else's answer can be copied. */
export async function challengeAnswer(nonce: Uint8Array, digest: Uint8Array, peerId: string): Promise<Bytes> {
  const id = new TextEncoder().encode(peerId);
  const message = new Uint8Array(digest.length + id.length);
  message.set(digest);
  message.set(id, digest.length);
  const key = await crypto.subtle.importKey('raw', Uint8Array.from(nonce), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, message));
}
