import type { ComponentChildren } from 'preact';

export interface Fact {
  name: string;
  testId: string;
  value: ComponentChildren;
}

/** A list of names and figures. */
export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(({ name, testId, value }) => (
        <div key={testId}>
          <dt>{name}</dt>
          <dd data-testid={testId}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
