/** One line of a scrape. */
export interface Sample {
  labels: Record<string, string>;
  value: number;
}

/** Prometheus' text format, version 0.0.4, as far as figures go: comments, times and exemplars are skipped. */
export function parseMetrics(text: string): Map<string, Sample[]> {
  const metrics = new Map<string, Sample[]>();
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*?)\})?\s+(\S+)/.exec(line);
    if (!match) continue;
    const [, name, labels = '', text] = match;
    const value = text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
    const samples = metrics.get(name!) ?? [];
    samples.push({ labels: Object.fromEntries([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, label]) => [key!, label!])), value });
    metrics.set(name!, samples);
  }
  return metrics;
}

/** All series of a metric added up, or those with the labels; undefined when there is none. */
export function total(metrics: Map<string, Sample[]>, name: string, labels: Record<string, string> = {}): number | undefined {
  const fitting = metrics.get(name)?.filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value));
  return fitting?.length ? fitting.reduce((sum, { value }) => sum + value, 0) : undefined;
}

/** The upper bounds of a histogram and how many fell below each, all series added up. */
export function buckets(metrics: Map<string, Sample[]>, name: string): [bound: number, count: number][] {
  const counts = new Map<number, number>();
  for (const { labels, value } of metrics.get(`${name}_bucket`) ?? []) {
    const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return [...counts].sort(([a], [b]) => a - b);
}

/** A quantile of what a histogram counted between two scrapes, as Prometheus' histogram_quantile reckons it; undefined when it counted nothing. */
export function quantile(q: number, before: readonly [number, number][], after: readonly [number, number][]): number | undefined {
  const earlier = new Map(before);
  const counts = after.map(([bound, count]): [number, number] => [bound, count - (earlier.get(bound) ?? 0)]);
  const all = counts.at(-1)?.[1] ?? 0;
  if (all <= 0) return undefined;
  const rank = q * all;
  const index = counts.findIndex(([, count]) => count >= rank);
  const [bound, count] = counts[index]!;
  const [lowerBound, lowerCount] = index === 0 ? [0, 0] : counts[index - 1]!;
  if (!Number.isFinite(bound)) return lowerBound;
  return count === lowerCount ? bound : lowerBound + ((bound - lowerBound) * (rank - lowerCount)) / (count - lowerCount);
}

/** What a counter grew by each second; a counter that is smaller than before began anew. */
export function rate(before: number | undefined, after: number | undefined, seconds: number): number | null {
  if (after === undefined || seconds <= 0) return null;
  const grown = before === undefined ? 0 : after < before ? after : after - before;
  return grown / seconds;
}
