import { describe, expect, test } from 'vitest';
import { GopCache } from '../src/chunks/cache';
import { chunk, keyChunk, sequences } from './chunks';

function filled(options: ConstructorParameters<typeof GopCache>[0], keys: number[], last: number): GopCache {
  const cache = new GopCache(options);
  for (let n = 1; n <= last; n++) cache.add(keys.includes(n) ? keyChunk(n) : chunk(n));
  return cache;
}

describe('the cache of groups of pictures', () => {
  test('knows where the current group begins', () => {
    expect(filled({}, [3, 8], 10).currentGroupStart).toBe(8);
    expect(filled({}, [], 2).currentGroupStart).toBeUndefined();
  });

  test('keeps three groups by default and drops the oldest when a fourth begins', () => {
    expect(filled({}, [1, 4, 7], 9).from(0).length).toBe(9);
    expect(sequences(filled({}, [1, 4, 7, 10], 11).from(0))).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test('tells chunks that it has seen from new ones, also below what it keeps', () => {
    const cache = filled({ groups: 2 }, [1, 4, 7], 8);
    expect(cache.add(chunk(8))).toBe(false);
    expect(cache.add(chunk(2))).toBe(false);
    expect(cache.add(chunk(9))).toBe(true);
  });

  test('puts a late chunk in its place', () => {
    const cache = new GopCache();
    for (const n of [1, 2, 5, 6]) cache.add(n === 1 ? keyChunk(n) : chunk(n));
    expect(cache.add(chunk(4))).toBe(true);
    expect(sequences(cache.from(2))).toEqual([2, 4, 5, 6]);
    expect(sequences(cache.from(3))).toEqual([4, 5, 6]);
    expect(cache.from(7)).toEqual([]);
  });

  test('never holds more bytes than its bound', () => {
    const size = chunk(1).bytes.length;
    const cache = filled({ maxBytes: 5 * size }, [1], 5);
    expect(cache.bytes).toBe(5 * size);
    cache.add(chunk(6));
    expect(cache.bytes).toBe(5 * size);
    expect(sequences(cache.from(0))).toEqual([2, 3, 4, 5, 6]);
    expect(cache.currentGroupStart).toBeUndefined();
  });
});
