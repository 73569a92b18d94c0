import { useEffect, useState } from 'preact/hooks';

const CHANGED = 'beacon:navigate';

export function navigate(path: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', path);
  else history.replaceState(null, '', path);
  dispatchEvent(new Event(CHANGED));
}

/** The path and query of the page, followed as they change. */
export function useLocation(): { path: string; query: URLSearchParams } {
  const [url, setUrl] = useState(() => new URL(location.href));
  useEffect(() => {
    const update = () => setUrl(new URL(location.href));
    addEventListener('popstate', update);
    addEventListener(CHANGED, update);
    return () => {
      removeEventListener('popstate', update);
      removeEventListener(CHANGED, update);
    };
  }, []);
  return { path: url.pathname, query: url.searchParams };
}

/** Lets plain links change the page without loading it anew; anything but a plain click is the browser's affair. */
export function followLink(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest?.('a');
  if (!link || link.origin !== location.origin || event.button !== 0 || link.target || link.hasAttribute('download')) return;
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (/^\/(api|openapi|scalar|sdk|health|alive|metrics)\b/.test(link.pathname)) return;
  // Within the page, as to its main part.
  if (link.pathname === location.pathname && link.search === location.search && link.hash) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
}
