import { BeaconApi, BeaconError, type StreamSummary } from 'beacon-client';
import { useEffect, useState } from 'preact/hooks';
import { usePageShown } from '../../hooks';
import { listStreams, watchDirectory, type DirectoryMessage, type StreamFilter } from '../../rest/streams';

/** The live streams as a page holds them. */
export class Directory {
  readonly #streams = new Map<string, StreamSummary>();
  /** Until it is complete, what was known before is still shown. */
  #arriving: Map<string, StreamSummary> | undefined = new Map();

  /** A connection begins: all that is live is told anew. */
  restart(): void {
    this.#arriving = new Map();
  }

  /** True when something is to be drawn anew. */
  apply({ live, goneStreamId, complete }: DirectoryMessage): boolean {
    const into = this.#arriving ?? this.#streams;
    if (live) into.set(live.streamId, live);
    if (goneStreamId) into.delete(goneStreamId);
    if (complete && this.#arriving) {
      this.#streams.clear();
      for (const [id, stream] of this.#arriving) this.#streams.set(id, stream);
      this.#arriving = undefined;
      return true;
    }
    return this.#arriving === undefined;
  }

  /** Most viewers first, as the server lists them; the older stream first of equals, so that cards keep their places. */
  list(): StreamSummary[] {
    return [...this.#streams.values()].sort((a, b) => (b.viewers ?? 0) - (a.viewers ?? 0) || (a.streamId < b.streamId ? -1 : 1));
  }
}

export interface DirectoryView {
  /** Undefined until the first answer. */
  streams: StreamSummary[] | undefined;
  /** What the streams fit: until the first answer to a new filter, the one before. */
  filter: string;
  /** Told as it happens, or asked for now and then. */
  isLive: boolean;
  problem: BeaconError | undefined;
  retry: () => void;
}

const RETRY_MS = 3000;
/** Many changes at once are one drawing. */
const DRAW_MS = 200;

/** The live streams that fit, as they change. Where the server tells no more callers, they are asked for every few seconds. */
export function useDirectory(filter: StreamFilter): DirectoryView {
  const [view, setView] = useState<Omit<DirectoryView, 'retry'>>({ streams: undefined, filter: '', isLive: false, problem: undefined });
  const [attempt, setAttempt] = useState(0);
  const shown = usePageShown();
  const key = JSON.stringify(filter);

  useEffect(() => {
    // A browser has six connections to a server without TLS: a tab in the background gives its one back.
    if (!shown) return;
    const api = new BeaconApi(location.origin);
    const abort = new AbortController();
    const directory = new Directory();
    let retryTimer: ReturnType<typeof setTimeout>;
    let drawTimer: ReturnType<typeof setTimeout> | undefined;
    let isFirst = true;
    const draw = () => {
      drawTimer = undefined;
      setView({ streams: directory.list(), filter: key, isLive: true, problem: undefined });
    };
    const follow = async () => {
      directory.restart();
      try {
        for await (const message of watchDirectory(api, filter, abort.signal)) {
          if (!directory.apply(message)) continue;
          if (isFirst) draw();
          else drawTimer ??= setTimeout(draw, DRAW_MS);
          isFirst = false;
        }
      } catch (cause) {
        if (!abort.signal.aborted) await ask(BeaconError.from(cause));
      }
      if (!abort.signal.aborted) retryTimer = setTimeout(() => void follow(), RETRY_MS);
    };
    const ask = async (why: BeaconError) => {
      try {
        const streams = await listStreams(api, filter);
        if (!abort.signal.aborted) setView({ streams, filter: key, isLive: false, problem: undefined });
      } catch {
        if (!abort.signal.aborted) setView((last) => ({ ...last, isLive: false, problem: why }));
      }
    };
    void follow();
    return () => {
      abort.abort();
      clearTimeout(retryTimer);
      clearTimeout(drawTimer);
    };
  }, [key, shown, attempt]);

  return { ...view, retry: () => setAttempt(attempt + 1) };
}
