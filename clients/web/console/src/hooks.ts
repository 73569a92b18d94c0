import { useEffect, useState } from 'preact/hooks';

/** Asks again and again while the page is shown; keeps the last good answer when one fails. */
export function usePolled<T>(ask: (() => Promise<T>) | undefined, everyMs: number, key: string): { value: T | undefined; failed: boolean } {
  const [state, setState] = useState<{ value: T | undefined; failed: boolean }>({ value: undefined, failed: false });
  useEffect(() => {
    if (!ask) return;
    let stopped = false;
    let timer: ReturnType<typeof setTimeout>;
    const poll = async () => {
      try {
        const value = await ask();
        if (!stopped) setState({ value, failed: false });
      } catch {
        if (!stopped) setState((last) => ({ ...last, failed: true }));
      }
      if (!stopped) timer = setTimeout(poll, everyMs);
    };
    void poll();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [key, everyMs]);
  return state;
}

/** Draws the component again at a steady pace, for figures that are read and not told. */
export function useHeartbeat(everyMs: number): void {
  const [, beat] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => beat((count) => count + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}
