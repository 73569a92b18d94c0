import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ChallengeBook } from '../src/mesh/challenges';
import { EdgeCounters } from '../src/mesh/counters';
import { chunk, keyChunk } from './chunks';

const PEER = '0192f3a4-0000-7000-8000-000000000001';
const NONCE = Uint8Array.from({ length: 16 }, (_, i) => i);
const digestOf = (bytes: Uint8Array) => createHash('sha256').update('beacon.challenge.v1').update(bytes).digest();
const answerOf = (bytes: Uint8Array, peer: string) =>
  createHmac('sha256', NONCE).update(digestOf(bytes)).update(peer, 'ascii').digest('hex');
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');
const challenge = (window: bigint, sequence: number, stripe = 0) => ({ window, stripe, sequence, nonce: NONCE });

describe('the challenge', () => {
  test('is announced with the digest that another implementation of SHA-256 computes', async () => {
    const one = keyChunk(7);
    expect(hex(await new ChallengeBook().note(one))).toBe(digestOf(one.bytes).toString('hex'));
  });

  test('is answered as another implementation of HMAC answers it', async () => {
    const book = new ChallengeBook();
    book.note(keyChunk(7));
    book.pose(challenge(3n, 7));
    expect(await book.answer(PEER).then((a) => [a?.window, hex(a?.hmac)])).toEqual([3n, answerOf(keyChunk(7).bytes, PEER)]);
  });

  test('has no answer before the chunk came, and one afterwards', async () => {
    const book = new ChallengeBook();
    book.pose(challenge(3n, 7));
    expect(await book.answer(PEER)).toBeUndefined();
    book.note(keyChunk(7));
    expect(hex((await book.answer(PEER))?.hmac)).toBe(answerOf(keyChunk(7).bytes, PEER));
  });

  test('never asks for chunks that begin no group, or of another stripe', async () => {
    const book = new ChallengeBook();
    expect(book.note(chunk(7))).toBeUndefined();
    book.note(keyChunk(8));
    book.pose(challenge(3n, 8, 1));
    expect(await book.answer(PEER)).toBeUndefined();
  });

  test('of an older window does not replace a newer one', async () => {
    const book = new ChallengeBook();
    book.note(keyChunk(7));
    book.pose(challenge(4n, 7));
    book.pose(challenge(3n, 7));
    expect((await book.answer(PEER))?.window).toBe(4n);
  });

  test('can be answered for the last 64 groups and not for the 65th', async () => {
    const book = new ChallengeBook();
    for (let n = 1; n <= 65; n++) book.note(keyChunk(n));
    book.pose(challenge(1n, 2));
    expect(hex((await book.answer(PEER))?.hmac)).toBe(answerOf(keyChunk(2).bytes, PEER));
    book.pose(challenge(1n, 1));
    expect(await book.answer(PEER)).toBeUndefined();
  });
});

describe('receipts', () => {
  test('grow per peer and stripe, also when the peer comes back', () => {
    const counters = new EdgeCounters();
    counters.add('a', 0, 100);
    counters.add('b', 0, 10);
    counters.add('a', 1, 5);
    counters.add('a', 0, 50);
    expect(counters.list()).toEqual([
      { peerId: 'b', stripe: 0, bytes: 10, chunks: 1 },
      { peerId: 'a', stripe: 1, bytes: 5, chunks: 1 },
      { peerId: 'a', stripe: 0, bytes: 150, chunks: 2 },
    ]);
    expect(counters.totalBytes).toBe(165);
  });

  test('forget the edge that was unused for longest when there are too many', () => {
    const counters = new EdgeCounters(2);
    counters.add('a', 0, 1);
    counters.add('b', 0, 1);
    counters.add('a', 0, 1);
    counters.add('c', 0, 1);
    expect(counters.list().map(({ peerId }) => peerId)).toEqual(['a', 'c']);
  });
});
