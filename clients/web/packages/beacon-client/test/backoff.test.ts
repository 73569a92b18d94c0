import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Backoff, retry } from '../src/backoff';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('back-off', () => {
  test('doubles up to its bound, drawn from the upper half', () => {
    const least = new Backoff({ firstMs: 250, maxMs: 2000, random: () => 0 });
    expect([1, 2, 3, 4, 5].map(() => least.nextMs())).toEqual([125, 250, 500, 1000, 1000]);
    const most = new Backoff({ firstMs: 250, maxMs: 2000, random: () => 1 });
    expect([1, 2, 3, 4, 5].map(() => most.nextMs())).toEqual([250, 500, 1000, 2000, 2000]);
  });

  test('starts over after a success', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000, random: () => 1 });
    backoff.nextMs();
    backoff.nextMs();
    backoff.reset();
    expect([backoff.attempt, backoff.nextMs()]).toEqual([0, 100]);
  });
});

describe('a retry', () => {
  const options = (isRetryable: (error: unknown) => boolean, deadlineMs = 1000) => ({
    backoff: new Backoff({ firstMs: 100, maxMs: 100, random: () => 1 }),
    deadlineMs,
    isRetryable,
  });

  test('goes on until the attempt succeeds', async () => {
    let attempts = 0;
    const result = retry(
      () => (++attempts < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve('done')),
      options(() => true),
    );
    await vi.advanceTimersByTimeAsync(200);
    expect([await result, attempts]).toEqual(['done', 3]);
  });

  test('ends at once with an error that will not go away', async () => {
    const attempt = vi.fn(() => Promise.reject(new Error('never')));
    await expect(retry(attempt, options(() => false))).rejects.toThrow('never');
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  test('makes no attempt after its deadline', async () => {
    const attempt = vi.fn(() => Promise.reject(new Error('still not')));
    const result = retry(attempt, options(() => true, 1000));
    const expected = expect(result).rejects.toThrow('still not');
    await vi.advanceTimersByTimeAsync(5000);
    await expected;
    expect(attempt).toHaveBeenCalledTimes(11);
  });

  test('stops waiting when it is called off', async () => {
    const abort = new AbortController();
    const attempt = vi.fn(() => Promise.reject(new Error('still not')));
    const result = retry(attempt, { ...options(() => true), signal: abort.signal });
    const expected = expect(result).rejects.toThrow('called off');
    await vi.advanceTimersByTimeAsync(50);
    abort.abort(new Error('called off'));
    await expected;
    expect(attempt).toHaveBeenCalledTimes(1);
  });
});
