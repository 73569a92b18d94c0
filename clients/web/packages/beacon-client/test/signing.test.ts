import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Fragmenter } from '../src/chunks/fragmenter';
import { decodeChunk, type Bytes } from '../src/chunks/header';
import { digestOf, FrameKey, FrameSigner } from '../src/chunks/signing';
import { ChunkVerifier } from '../src/chunks/verifier';
import { STREAM } from './chunks';
import { documented, hex, unhex, VECTOR, VECTOR_DIGEST, VECTOR_KEY, VECTOR_SECOND, VECTOR_SIGNATURE } from './vector';

async function broadcaster(algorithm?: 'P-256' | 'Ed25519') {
  const signer = await FrameSigner.create(algorithm);
  const key = await FrameKey.import(JSON.parse(signer.publicJwk) as JsonWebKey);
  const fragmenter = new Fragmenter(STREAM, 0, signer, 10);
  const cut = (size: number) => fragmenter.cut({ key: true, audio: false, timestampUs: 5, data: new Uint8Array(size).fill(7) });
  const verifier = () => new ChunkVerifier((first) => key.signed(first));
  return { signer, key, cut, verifier };
}

const changed = (bytes: Bytes, at: number): Bytes => {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
};

describe('a signed frame', () => {
  test('of the protocol document verifies here, and with another implementation', async () => {
    expect(JSON.parse(documented('key-vector', 'json')!)).toEqual(VECTOR_KEY);
    const [first, second] = [unhex(VECTOR), unhex(VECTOR_SECOND)];
    const signed = Buffer.concat([Buffer.from('beacon.frame.v1'), first.subarray(0, 53), first.subarray(53 + 64)]);
    const publicKey = createPublicKey({ key: VECTOR_KEY, format: 'jwk' });
    expect(verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, unhex(VECTOR_SIGNATURE))).toBe(true);
    expect(hex(await digestOf(second))).toBe(VECTOR_DIGEST);
    const key = await FrameKey.import(VECTOR_KEY);
    const verifier = new ChunkVerifier((chunk) => key.signed(chunk));
    expect(await verifier.check(decodeChunk(first))).toBe('good');
    expect(await verifier.check(decodeChunk(second))).toBe('good');
  });

  test.each(['P-256', 'Ed25519'] as const)('with %s is good as a whole, and each chunk as it comes', async (algorithm) => {
    const { cut, verifier } = await broadcaster(algorithm);
    const check = verifier();
    const verdicts = (await cut(40_000)).map((bytes) => check.check(decodeChunk(bytes)));
    expect(await Promise.all(verdicts)).toEqual(['good', 'good', 'good']);
  });

  test('is bad when any byte of any chunk was changed', async () => {
    const { cut, verifier } = await broadcaster();
    const chunks = await cut(17_000);
    expect(chunks.length).toBe(2);
    const positions = [2, 20, 23, 30, 38, 101, 102, 133, 134, 16_383];
    for (const at of positions) {
      const tampered = changed(chunks[0]!, at);
      const verdict = await verifier().check(decodeChunk(tampered));
      expect([at, verdict]).toEqual([at, 'bad']);
    }
    for (const at of [2, 31, 38, 500]) {
      const check = verifier();
      await check.check(decodeChunk(chunks[0]!));
      expect([at, await check.check(decodeChunk(changed(chunks[1]!, at)))]).toEqual([at, at === 2 ? 'unknown' : 'bad']);
    }
  });

  test('of another broadcaster is bad', async () => {
    const [one, other] = [await broadcaster(), await broadcaster()];
    expect(await one.verifier().check(decodeChunk((await other.cut(5))[0]!))).toBe('bad');
  });

  test('is of no use without its first chunk, and that is nobody\'s fault', async () => {
    const { cut, verifier } = await broadcaster();
    expect(await verifier().check(decodeChunk((await cut(40_000))[1]!))).toBe('unknown');
  });

  test('keeps its digests when a forger sends another first chunk in its place', async () => {
    const { cut, verifier } = await broadcaster();
    const [first, second] = await cut(17_000);
    const check = verifier();
    const verdicts = [first!, changed(first!, 120), second!].map((bytes) => check.check(decodeChunk(bytes)));
    expect(await Promise.all(verdicts)).toEqual(['good', 'bad', 'good']);
  });

  test('comes out of the fragmenter in the order of its sequence numbers, however long each takes to sign', async () => {
    const { cut } = await broadcaster();
    const order: number[] = [];
    const note = (chunks: Bytes[]) => order.push(...chunks.map((bytes) => decodeChunk(bytes).sequence));
    await Promise.all([cut(60_000).then(note), cut(5).then(note), cut(5).then(note)]);
    expect(order).toEqual([10, 11, 12, 13, 14, 15]);
  });

  test('can be no larger than its digests allow', async () => {
    const { cut } = await broadcaster();
    await expect(cut(8_000_000)).rejects.toThrow('too large');
  });
});

describe('the key', () => {
  test('shows only its public half', async () => {
    const { signer } = await broadcaster();
    expect(Object.keys(JSON.parse(signer.publicJwk) as object)).toEqual(['kty', 'crv', 'x', 'y']);
  });

  test('of another kind is refused', async () => {
    await expect(FrameKey.import({ kty: 'EC', crv: 'P-384', x: 'a', y: 'b' })).rejects.toThrow('P-384');
  });
});
