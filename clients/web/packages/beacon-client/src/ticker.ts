const callbacks = new Set<() => void>();
let stop: (() => void) | undefined;

/** Fine enough that a lost parent is noticed in time, coarse enough to cost nothing. */
const TICK_MS = 20;

/**
 * Calls back about every 20 ms, until the returned function is called. One clock serves all peers of a page. Timers of a hidden page fire once a second, those of a
 * worker keep their pace: a viewer in a background tab still relays, and still notices a lost parent.
 */
export function everyTick(callback: () => void): () => void {
  callbacks.add(callback);
  stop ??= start();
  return () => {
    callbacks.delete(callback);
    if (callbacks.size > 0) return;
    stop?.();
    stop = undefined;
  };
}

function start(): () => void {
  const tick = () => {
    for (const callback of [...callbacks]) callback();
  };
  if (typeof Worker === 'undefined' || typeof document === 'undefined') {
    const timer = setInterval(tick, TICK_MS);
    return () => clearInterval(timer);
  }
  const worker = new Worker(new URL('./media/ticker.worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = tick;
  worker.postMessage(TICK_MS);
  return () => worker.terminate();
}
