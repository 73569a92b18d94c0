import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Problem } from '../parts/Problem';

/** A page whose code is loaded when it is first shown: the directory is painted without waiting for charts and players. */
export function lazyPage<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  return function LazyPage(props: Props) {
    const [page, setPage] = useState(() => loaded);
    const [problem, setProblem] = useState<unknown>();
    const [attempt, setAttempt] = useState(0);
    useEffect(() => {
      if (page) return;
      setProblem(undefined);
      load().then((found) => {
        loaded = found;
        setPage(() => found);
      }, setProblem);
    }, [attempt]);
    if (problem) return <Problem cause="This page could not be loaded. Is the server still there?" onRetry={() => setAttempt(attempt + 1)} />;
    if (!page) return <div class="skeleton" style="height: 50vh" role="status" aria-label="The page is loading" />;
    const Page = page;
    return <Page {...props} />;
  };
}
