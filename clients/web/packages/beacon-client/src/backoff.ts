export interface BackoffOptions {
  /** Delay before the first retry, in milliseconds. */
  firstMs: number;
  /** The delay never grows above this. */
  maxMs: number;
  /** Returns 0 to 1; tests pass a fixed one. */
  random?: () => number;
}

/**
 * Exponential back-off with jitter: the nth delay is drawn from the upper half of first × 2ⁿ. The draw keeps clients that
 * lost the same server from coming back in step; the lower bound keeps an unlucky draw from hammering it.
 */
export class Backoff {
  #attempt = 0;

  constructor(private readonly options: BackoffOptions) {}

  get attempt(): number {
    return this.#attempt;
  }

  nextMs(): number {
    const { firstMs, maxMs, random = Math.random } = this.options;
    const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    return Math.round(ceiling * (0.5 + random() / 2));
  }

  reset(): void {
    this.#attempt = 0;
  }
}

/** Waits, or rejects at once with the signal's reason. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abandon = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abandon);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abandon, { once: true });
  });
}

export interface RetryOptions {
  backoff: Backoff;
  /** No new attempt starts after this long. */
  deadlineMs: number;
  isRetryable: (error: unknown) => boolean;
  signal?: AbortSignal;
}

/** Repeats an attempt with back-off until it succeeds, fails for good, or the deadline passes; the last error is thrown. */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const deadline = Date.now() + options.deadlineMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const wait = options.backoff.nextMs();
      if (options.signal?.aborted || !options.isRetryable(error) || Date.now() + wait > deadline) throw error;
      await delay(wait, options.signal);
    }
  }
}
