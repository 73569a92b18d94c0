import { useEffect, useState } from 'preact/hooks';

export type Theme = 'system' | 'light' | 'dark';

const STORAGE_KEY = 'beacon.theme';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

function stored(): Theme {
  const text = localStorage.getItem(STORAGE_KEY) as Theme | null;
  return text && THEMES.includes(text) ? text : 'system';
}

/** Before the first paint, so that nobody is dazzled. */
export function applyStoredTheme(): void {
  apply(stored());
}

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(stored);
  const next = () => setTheme((now) => THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]!);
  useEffect(() => {
    apply(theme);
    localStorage.setItem(STORAGE_KEY, theme);
    dispatchEvent(new Event('beacon:theme'));
  }, [theme]);
  return [theme, next];
}

/** Calls back when colours may have changed: what is drawn on a canvas does not follow CSS by itself. */
export function onThemeChange(listener: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', listener);
  addEventListener('beacon:theme', listener);
  return () => {
    system.removeEventListener('change', listener);
    removeEventListener('beacon:theme', listener);
  };
}

/** A token of design/tokens.css as the colour that it is now. */
export function colourOf(element: Element, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${token})`;
  probe.hidden = true;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
