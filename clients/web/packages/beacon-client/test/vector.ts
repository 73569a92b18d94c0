import { readFileSync } from 'node:fs';
import type { JsonValue } from '@bufbuild/protobuf';
import type { Bytes } from '../src/chunks/header';

/** docs/vectors.json, which the tests of C# read too. */
export const vectors = JSON.parse(readFileSync(new URL('../../../../../docs/vectors.json', import.meta.url), 'utf8')) as {
  chunk: { first: string; second: string; key: { kty: string; crv: string; x: string; y: string }; signature: string; secondDigest: string };
  challenge: { chunk: string; digest: string; nonce: string; peerId: string; hmac: string };
  frames: { from: 'client' | 'server'; json: JsonValue; binary: string }[];
};

/** The key and the two chunks of the frame that docs/protocol.md shows. */
export const { key: VECTOR_KEY, signature: VECTOR_SIGNATURE, secondDigest: VECTOR_DIGEST, first: VECTOR, second: VECTOR_SECOND } = vectors.chunk;

export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
export const unhex = (text: string): Bytes => Uint8Array.from(Buffer.from(text, 'hex'));

/** A block of the protocol document, by the comment before it. */
export function documented(name: string, language = 'text'): string | undefined {
  const document = readFileSync(new URL('../../../../../docs/protocol.md', import.meta.url), 'utf8');
  return new RegExp(`<!-- ${name} -->\\s*\`\`\`${language}\\n([^\`]+)\`\`\``).exec(document)?.[1];
}
