import { expect, test } from 'vitest';
import { buckets, parseMetrics, quantile, rate, total } from '../src/charts/prometheus';
import { Series } from '../src/charts/series';

const SCRAPE = `# TYPE beacon_topology_moves counter
# HELP beacon_topology_moves another parent
beacon_topology_moves_total{otel_scope_name="Beacon.Topology",reason="parent_left"} 3 1795492778000
beacon_topology_moves_total{otel_scope_name="Beacon.Topology",reason="lifted"} 4
beacon_topology_depth_mean 1.5
odd{text="a \\"quoted\\" one, with {braces"} +Inf # {trace_id="x"} 1
heal_bucket{by="standby",le="0.1"} 1
heal_bucket{by="standby",le="1"} 3
heal_bucket{by="standby",le="+Inf"} 4
heal_bucket{by="search",le="0.1"} 0
heal_bucket{by="search",le="1"} 6
heal_bucket{by="search",le="+Inf"} 6
not a metric line
`;

test('a scrape is read, with labels, times, exemplars and infinities', () => {
  const metrics = parseMetrics(SCRAPE);
  expect(total(metrics, 'beacon_topology_moves_total')).toBe(7);
  expect(total(metrics, 'beacon_topology_moves_total', { reason: 'lifted' })).toBe(4);
  expect(total(metrics, 'beacon_topology_moves_total', { reason: 'preempted' })).toBeUndefined();
  expect(total(metrics, 'beacon_topology_depth_mean')).toBe(1.5);
  expect(metrics.get('odd')).toEqual([{ labels: { text: 'a \\"quoted\\" one, with {braces' }, value: Number.POSITIVE_INFINITY }]);
  expect(total(metrics, 'nothing')).toBeUndefined();
});

test('a quantile is of what was counted between two scrapes', () => {
  const after = buckets(parseMetrics(SCRAPE), 'heal');
  expect(after).toEqual([
    [0.1, 1],
    [1, 9],
    [Number.POSITIVE_INFINITY, 10],
  ]);
  expect(quantile(0.5, [], after)).toBeCloseTo(0.1 + (0.9 * 4) / 8, 10);
  expect(quantile(1, [], after)).toBe(1);
  expect(quantile(0.95, after, after)).toBeUndefined();
  const before: [number, number][] = [
    [0.1, 0],
    [1, 8],
    [Number.POSITIVE_INFINITY, 9],
  ];
  expect(quantile(0.5, before, after)).toBeCloseTo(0.05, 10);
});

test('a rate survives a restart of the counter', () => {
  expect(rate(10, 30, 2)).toBe(10);
  expect(rate(10, 4, 2)).toBe(2);
  expect(rate(undefined, 4, 2)).toBe(0);
  expect(rate(10, undefined, 2)).toBeNull();
  expect(rate(10, 12, 0)).toBeNull();
});

test('a series keeps the last moments, all columns of one length', () => {
  const series = new Series(2);
  for (let at = 0; at < 1000; at++) series.push(at, [at, at % 2 === 0 ? undefined : at]);
  const [times, first, second] = series.data;
  expect([times.length, first!.length, second!.length]).toEqual([300, 300, 300]);
  expect([times[0], times.at(-1), second![0], second![1]]).toEqual([700, 999, null, 701]);
});
