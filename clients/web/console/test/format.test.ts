import { describe, expect, test } from 'vitest';
import { bytes, change, count, credits, hueOf, microcredits, since } from '../src/format';

test('credits are written exactly, and rounded towards zero where fewer decimals are wanted', () => {
  expect(credits(0n)).toBe('0');
  expect(credits(1n)).toBe('0.000001');
  expect(credits(1_500_000n)).toBe('1.5');
  expect(credits(-1_234_567_000_001n)).toBe('−1,234,567.000001');
  expect(credits(1_999_999n, 2)).toBe('1.99');
  expect(credits(-9_999n, 2)).toBe('0');
  expect(credits(9_007_199_254_740_993_000_001n)).toBe('9,007,199,254,740,993.000001');
});

test('a change has its sign', () => {
  expect(change(2_000_000n)).toBe('+2');
  expect(change(-2_000_000n)).toBe('−2');
  expect(change(0n)).toBe('0');
});

test('what a person types as credits is taken exactly or not at all', () => {
  expect(microcredits('1')).toBe(1_000_000n);
  expect(microcredits(' 0.000001 ')).toBe(1n);
  expect(microcredits('999999.999999')).toBe(999_999_999_999n);
  for (const text of ['', '0', '0.0', '-1', '1e3', '1,5', '0.0000001', '1000000000', 'NaN', '1.', '.5']) expect(microcredits(text)).toBeUndefined();
});

test('what is written as credits can be typed again', () => {
  for (const amount of [1n, 10n, 999_999n, 1_000_000n, 123_456_789n]) expect(microcredits(credits(amount).replaceAll(',', ''))).toBe(amount);
});

describe('coarse texts', () => {
  test('bytes', () => {
    expect([bytes(0), bytes(999), bytes(1000), bytes(1_500_000), bytes(2e12)]).toEqual(['0 B', '999 B', '1.0 KB', '1.5 MB', '2000.0 GB']);
  });

  test('times', () => {
    const seconds = (value: number) => since(0, value * 1000);
    expect([seconds(0), seconds(59), seconds(60), seconds(3599), seconds(3600), seconds(7800), seconds(86_400)]).toEqual(['0 s', '59 s', '1 min', '59 min', '1 h', '2 h 10 min', '1 d']);
    expect(since('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:05Z'))).toBe('5 s');
    expect(since(5000, 0)).toBe('0 s');
  });

  test('counts', () => {
    expect([count(0, 'viewer'), count(1, 'viewer'), count(1234, 'viewer')]).toEqual(['0 viewers', '1 viewer', '1,234 viewers']);
  });
});

test('a name has one colour, in the circle', () => {
  expect(hueOf('mira')).toBe(hueOf('mira'));
  expect(hueOf('mira')).not.toBe(hueOf('arim'));
  for (const name of ['', 'a', '\u{1F600}', 'x'.repeat(500)]) {
    expect(hueOf(name)).toBeGreaterThanOrEqual(0);
    expect(hueOf(name)).toBeLessThan(360);
  }
});
