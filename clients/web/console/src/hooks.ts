import { useEffect, useRef, useState } from 'preact/hooks';

/** Asks again and again while the page is shown; keeps the last good answer when one fails. */
export function usePolled<T>(
  ask: (() => Promise<T>) | undefined,
  everyMs: number,
  key: string,
): { value: T | undefined; failed: boolean; problem: unknown; again: () => void } {
  const [state, setState] = useState<{ value: T | undefined; failed: boolean; problem: unknown }>({ value: undefined, failed: false, problem: undefined });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!ask) return;
    let stopped = false;
    let timer: ReturnType<typeof setTimeout>;
    const poll = async () => {
      try {
        const value = await ask();
        if (!stopped) setState({ value, failed: false, problem: undefined });
      } catch (problem) {
        if (!stopped) setState((last) => ({ ...last, failed: true, problem }));
      }
      if (!stopped) timer = setTimeout(poll, everyMs);
    };
    void poll();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [key, everyMs, turn]);
  return { ...state, again: () => setTurn((last) => last + 1) };
}

/** Draws the component again at a steady pace, for figures that are read and not told. */
export function useHeartbeat(everyMs: number): void {
  const [, beat] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => beat((count) => count + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}

/** The name of the window, so that tabs and the history can be told apart. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Beacon` : 'Beacon';
  }, [title]);
}

/** False while the tab is in the background. */
export function usePageShown(): boolean {
  const [shown, setShown] = useState(() => !document.hidden);
  useEffect(() => {
    const update = () => setShown(!document.hidden);
    document.addEventListener('visibilitychange', update);
    return () => document.removeEventListener('visibilitychange', update);
  }, []);
  return shown;
}

/** The value as it was when it had been the same for a while: for what is typed. */
export function useSettled<T>(value: T, afterMs: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), afterMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

export interface Work {
  busy: boolean;
  /** Why the last one failed; undefined when it did not. */
  problem: unknown;
  fail: (cause: unknown) => void;
  run: (work: () => Promise<unknown>) => Promise<void>;
}

/** What a button starts: it takes a while, and may fail. */
export function useWork(): Work {
  const [busy, setBusy] = useState(false);
  const [problem, fail] = useState<unknown>();
  const run = async (work: () => Promise<unknown>) => {
    setBusy(true);
    fail(undefined);
    try {
      await work();
    } catch (cause) {
      fail(cause);
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, fail, run };
}

/**
 * Makes a request that moves credits under an id of its own. One that failed goes out under the same id when it is asked for again, as long as it is
 * the same, so that an answer that was lost costs nothing.
 */
export function useOnce(): <T>(key: string, request: (id: string) => Promise<T>) => Promise<T> {
  const last = useRef<{ key: string; id: string } | undefined>(undefined);
  return async (key, request) => {
    if (last.current?.key !== key) last.current = { key, id: crypto.randomUUID() };
    const answer = await request(last.current.id);
    last.current = undefined;
    return answer;
  };
}
