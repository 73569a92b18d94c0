import type { ComponentChildren } from 'preact';

export interface Tile {
  name: string;
  value: ComponentChildren;
  hint?: string | undefined;
  kind?: string;
  testId?: string;
}

/** Figures to be seen from afar. */
export function Tiles({ tiles, testId }: { tiles: Tile[]; testId?: string }) {
  return (
    <dl class="tiles" data-testid={testId}>
      {tiles.map(({ name, value, hint, kind, testId: id }) => (
        <div class="tile" key={name}>
          <dt>{name}</dt>
          <dd style={kind ? `color: var(--${kind})` : ''} data-testid={id}>
            {value} {hint && <span class="small">{hint}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
