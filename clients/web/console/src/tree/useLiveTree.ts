import { BeaconError, type BeaconApi } from 'beacon-client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { usePageShown } from '../hooks';
import { watchTree } from '../rest/trees';
import { LiveTree } from './liveTree';

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 15_000;
const DRAW_MS = 100;

export interface LiveTreeView {
  tree: LiveTree;
  /** Changes with the tree, which stays the same object. */
  revision: number;
  state: 'connecting' | 'live' | 'lost' | 'ended';
  problem: BeaconError | undefined;
}

/** The tree of a stripe as it changes, while the page is shown. */
export function useLiveTree(api: BeaconApi, streamId: string, stripe = 0): LiveTreeView {
  const tree = useRef(new LiveTree());
  const [view, setView] = useState<Omit<LiveTreeView, 'tree'>>({ revision: 0, state: 'connecting', problem: undefined });
  const shown = usePageShown();

  useEffect(() => {
    tree.current = new LiveTree();
    setView({ revision: 0, state: 'connecting', problem: undefined });
  }, [streamId, stripe]);

  useEffect(() => {
    if (!shown || !streamId) return;
    const abort = new AbortController();
    let retryMs = FIRST_RETRY_MS;
    let retryTimer: ReturnType<typeof setTimeout>;
    let drawTimer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      drawTimer = undefined;
      if (!abort.signal.aborted) setView({ revision: tree.current.revision, state: tree.current.ended ? 'ended' : 'live', problem: undefined });
    };
    const follow = async () => {
      const live = tree.current;
      live.restart();
      let problem: BeaconError | undefined;
      try {
        for await (const message of watchTree(api, streamId, stripe, abort.signal)) {
          const before = live.revision;
          live.apply(message);
          retryMs = FIRST_RETRY_MS;
          if (live.revision !== before) drawTimer ??= setTimeout(draw, before === 0 ? 0 : DRAW_MS);
          if (live.ended) return;
        }
      } catch (cause) {
        problem = BeaconError.from(cause);
      }
      if (abort.signal.aborted) return;
      const isOver = problem?.reason === 'unknown_stream';
      setView((last) => ({ ...last, state: isOver ? 'ended' : 'lost', problem }));
      if (isOver) return;
      retryTimer = setTimeout(() => void follow(), retryMs);
      retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
    };
    void follow();
    return () => {
      abort.abort();
      clearTimeout(retryTimer);
      clearTimeout(drawTimer);
    };
  }, [api, streamId, stripe, shown]);

  return { tree: tree.current, ...view };
}
