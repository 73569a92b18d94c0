import { describe, expect, test } from 'vitest';
import { Conduct } from '../src/mesh/conduct';

const asked = (from?: number) => {
  const conduct = new Conduct();
  conduct.asked(from);
  return conduct;
};

describe('the conduct of a parent', () => {
  test('is without reproach when it sends one chunk after the other, from wherever it begins', () => {
    const conduct = asked();
    expect([50, 51, 52].map((n) => conduct.chunk(n))).toEqual([undefined, undefined, undefined]);
  });

  test('is at fault for a jump that it did not announce', () => {
    const conduct = asked();
    conduct.chunk(50);
    expect(conduct.chunk(52)).toBe('loss');
  });

  test('is not for a jump that it announced, and the missing chunk may come later', () => {
    const conduct = asked();
    conduct.chunk(50);
    expect([conduct.gap(51, 51, 0), conduct.chunk(52), conduct.chunk(51)]).toEqual([undefined, undefined, undefined]);
  });

  test('is at fault for its sixth announced gap within ten seconds', () => {
    const conduct = asked();
    conduct.chunk(0);
    const verdicts = [1, 2, 3, 4, 5, 6].map((n) => conduct.gap(10 * n, 10 * n, n * 1000));
    expect(verdicts).toEqual([undefined, undefined, undefined, undefined, undefined, 'loss']);
    const patient = asked();
    patient.chunk(0);
    expect([1, 2, 3, 4, 5, 6].map((n) => patient.gap(10 * n, 10 * n, n * 2001))).not.toContain('loss');
  });

  test('may say first what it no longer has', () => {
    const conduct = asked(5);
    expect([conduct.gap(5, 9, 0), conduct.chunk(10)]).toEqual([undefined, undefined]);
  });

  test('is at fault when it repeats itself again and again', () => {
    const conduct = asked();
    for (let n = 0; n < 20; n++) conduct.chunk(n);
    const verdicts = Array.from({ length: 9 }, (_, n) => conduct.chunk(n));
    expect(verdicts).toEqual([...Array<string>(8).fill('repeat'), 'replay']);
  });

  test('may send again what it was asked for again', () => {
    const conduct = asked();
    for (let n = 0; n < 20; n++) conduct.chunk(n);
    conduct.asked(5);
    expect(Array.from({ length: 20 }, (_, n) => conduct.chunk(5 + n))).not.toContain('repeat');
  });

  test('is not reproached with what it had sent before it was asked again, however much of it was under way', () => {
    const conduct = asked();
    for (let n = 0; n < 20; n++) conduct.chunk(n);
    conduct.asked(20);
    const all = [...Array.from({ length: 20 }, (_, n) => 20 + n), ...Array.from({ length: 40 }, (_, n) => 20 + n)];
    expect(all.map((n) => conduct.chunk(n)).filter((verdict) => verdict)).toEqual([]);
    expect(conduct.chunk(25)).toBe('repeat');
  });

  test('is not reproached with what was under way when it was asked', () => {
    const conduct = asked();
    conduct.chunk(10);
    conduct.asked(15);
    expect([conduct.chunk(11), conduct.chunk(12), conduct.chunk(15), conduct.chunk(16)]).toEqual([undefined, undefined, undefined, undefined]);
    expect(conduct.chunk(18)).toBe('loss');
  });
});
