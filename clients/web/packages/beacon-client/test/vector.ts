import { readFileSync } from 'node:fs';
import type { Bytes } from '../src/chunks/header';

/** The key and the two chunks of the frame that docs/protocol.md shows. */
export const VECTOR_KEY = {"kty":"EC","crv":"P-256","x":"WGmWLzag6F1gT_RUX4AIT0GOzjIo3N7IcW60xYE5ugY","y":"PuQRz0NBzj3mpZTqNvlwT0daes4kQ0XrGHlF-8biUHM"};
export const VECTOR_SIGNATURE =
  'dd1fa7501dd512a145df522e52738b914b3726d8bd9082dc027bdbd894aec62a' +
  '3836ef88de273ebc501f8eaec9f2aa8cb00be507182115409be422336fb0934a';
export const VECTOR_DIGEST = '2d900f79d9db0244d9a153e618d95c1fa4ad83e2b323e0f18ad566b1b794cdcc';
export const VECTOR =
  '010d0000' + '0192f3a4b5c67d8e9f0123456789abcd' + '0000002a' + '000617c88dcb5a31' + '0000' + '0002' + '000f' +
  '7b22636f646563223a22767038227d' + VECTOR_SIGNATURE + VECTOR_DIGEST + 'deadbeef';
export const VECTOR_SECOND = '010100000192f3a4b5c67d8e9f0123456789abcd' + '0000002b000617c88dcb5a31000100020000cafe';

export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
export const unhex = (text: string): Bytes => Uint8Array.from(Buffer.from(text, 'hex'));

/** A block of the protocol document, by the comment before it. */
export function documented(name: string, language = 'text'): string | undefined {
  const document = readFileSync(new URL('../../../../../docs/protocol.md', import.meta.url), 'utf8');
  return new RegExp(`<!-- ${name} -->\\s*\`\`\`${language}\\n([^\`]+)\`\`\``).exec(document)?.[1];
}
