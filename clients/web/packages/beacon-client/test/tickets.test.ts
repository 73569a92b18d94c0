import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ServerKey, TicketKey } from '../src/mesh/tickets';
import { STREAM } from './chunks';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const JWK = JSON.stringify({ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: '1' });
const NOW = 1_800_000_000_000;
const EDGE = { stream: STREAM, stripe: 0, parent: 'p', child: 'c' };
const CLAIMS = { typ: 'beacon-edge', ...EDGE, exp: NOW / 1000 + 60 };

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

function ticket(claims: object, header: object = { alg: 'ES256' }, key = privateKey): string {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const grants = (text: string, now = NOW) => new ServerKey(JWK).grants(text, EDGE, now);

describe('an edge ticket', () => {
  test('lets the child that it names in', async () => {
    expect(await grants(ticket(CLAIMS))).toBe(true);
  });

  test('ends at its last second', async () => {
    expect(await grants(ticket(CLAIMS), NOW + 59_999)).toBe(true);
    expect(await grants(ticket(CLAIMS), NOW + 60_000)).toBe(false);
  });

  test.each([
    ['another child', { ...CLAIMS, child: 'x' }],
    ['another parent', { ...CLAIMS, parent: 'x' }],
    ['another stripe', { ...CLAIMS, stripe: 1 }],
    ['another stream', { ...CLAIMS, stream: 'x' }],
    ['another purpose', { ...CLAIMS, typ: 'access' }],
    ['no end', { ...CLAIMS, exp: undefined }],
  ])('for %s is worth nothing', async (_, claims) => {
    expect(await grants(ticket(claims))).toBe(false);
  });

  test('of another issuer, changed after signing, without signature, or no ticket at all, is worth nothing', async () => {
    const [header, , signature] = ticket({ ...CLAIMS, child: 'x' }).split('.');
    expect(await grants(ticket(CLAIMS, { alg: 'ES256' }, stranger.privateKey))).toBe(false);
    expect(await grants(`${header}.${part(CLAIMS)}.${signature}`)).toBe(false);
    expect(await grants(ticket(CLAIMS, { alg: 'none' }))).toBe(false);
    expect(await grants(`${part({ alg: 'none' })}.${part(CLAIMS)}.`)).toBe(false);
    expect(await grants('')).toBe(false);
    expect(await grants('a.b.c.d')).toBe(false);
  });

  test('is worth nothing while the key cannot be read', async () => {
    expect(await new ServerKey('not a key').grants(ticket(CLAIMS), EDGE, NOW)).toBe(false);
  });
});

describe('an edge ticket under the own key of the parent', () => {
  const KEY = new Uint8Array(32).fill(7);
  const keyed = (claims: object, key = KEY, header: object = { alg: 'HS256' }) => {
    const signed = `${part(header)}.${part(claims)}`;
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
  };
  const opens = (text: string, now = NOW) => new TicketKey(KEY).grants(text, EDGE, now);

  test('lets the child that it names in, until its last second', async () => {
    expect(await opens(keyed(CLAIMS), NOW + 59_999)).toBe(true);
    expect(await opens(keyed(CLAIMS), NOW + 60_000)).toBe(false);
    expect(await opens(keyed({ ...CLAIMS, child: 'x' }))).toBe(false);
  });

  test('with another key, of another algorithm, or signed by the server, is worth nothing there', async () => {
    expect(await opens(keyed(CLAIMS, new Uint8Array(32).fill(8)))).toBe(false);
    expect(await opens(keyed(CLAIMS, KEY, { alg: 'ES256' }))).toBe(false);
    expect(await opens(keyed(CLAIMS, KEY, { alg: 'none' }))).toBe(false);
    expect(await opens(ticket(CLAIMS))).toBe(false);
  });

  test("keyed with the server's public key, is no ticket of the server", async () => {
    expect(await grants(keyed(CLAIMS, new TextEncoder().encode(JWK)))).toBe(false);
  });
});
