import { useEffect, useRef, useState } from 'preact/hooks';
import { buckets, parseMetrics, quantile, rate, total, type Sample } from '../../charts/prometheus';
import { Series } from '../../charts/series';

const EVERY_MS = 2000;

type Metrics = Map<string, Sample[]>;

export interface Figures {
  streams: number | undefined;
  peers: number | undefined;
  waiting: number | undefined;
  degraded: number | undefined;
  standbyCoverage: number | undefined;
  sessions: number | undefined;
  proofAgeSeconds: number | undefined;
}

/** The figures of the scrape: those that the charts show over time, and those of the moment. */
export function useMetrics() {
  const joins = useRef(new Series(1));
  const heals = useRef(new Series(3));
  const depth = useRef(new Series(2));
  const [state, setState] = useState<{ version: number; figures: Figures | undefined; problem: string }>({ version: 0, figures: undefined, problem: '' });

  useEffect(() => {
    let stopped = false;
    let before: { at: number; metrics: Metrics } | undefined;
    let timer: ReturnType<typeof setTimeout>;
    const scrape = async () => {
      try {
        if (!document.hidden) {
          const response = await fetch('/metrics', { cache: 'no-store', signal: AbortSignal.timeout(10_000) });
          if (!response.ok) throw new Error(String(response.status));
          const now = { at: performance.now(), metrics: parseMetrics(await response.text()) };
          if (stopped) return;
          note(before, now);
          before = now;
        }
      } catch {
        if (!stopped) setState((last) => ({ ...last, problem: 'The figures at /metrics cannot be read from here. Open this page inside the network of the servers, or look at Grafana.' }));
      }
      if (!stopped) timer = setTimeout(() => void scrape(), EVERY_MS);
    };

    const note = (last: { at: number; metrics: Metrics } | undefined, { at, metrics }: { at: number; metrics: Metrics }) => {
      const atSeconds = Date.now() / 1000;
      const seconds = last ? (at - last.at) / 1000 : 0;
      const perSecond = (name: string, labels?: Record<string, string>) => rate(last && total(last.metrics, name, labels), total(metrics, name, labels), seconds);
      const moves = (reason: string) => perSecond('beacon_topology_moves_total', { reason });
      joins.current.push(atSeconds, [perSecond('beacon_topology_joins_total')]);
      const heal = 'beacon_topology_heal_duration_seconds';
      const p95 = last && quantile(0.95, buckets(last.metrics, heal), buckets(metrics, heal));
      heals.current.push(atSeconds, [add(moves('parent_left'), moves('parent_degraded')), add(moves('preempted'), moves('lifted')), p95 === undefined ? null : p95 * 1000]);
      depth.current.push(atSeconds, [total(metrics, 'beacon_topology_depth_mean'), total(metrics, 'beacon_topology_depth_ideal_mean')]);
      setState(({ version }) => ({
        version: version + 1,
        problem: '',
        figures: {
          streams: total(metrics, 'beacon_topology_streams'),
          peers: total(metrics, 'beacon_topology_peers'),
          waiting: total(metrics, 'beacon_topology_waiting'),
          degraded: total(metrics, 'beacon_topology_degraded'),
          standbyCoverage: total(metrics, 'beacon_topology_standby_coverage'),
          sessions: total(metrics, 'beacon_signaling_sessions'),
          proofAgeSeconds: total(metrics, 'beacon_ledger_proof_age_seconds'),
        },
      }));
    };
    void scrape();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, []);

  return { ...state, joins: joins.current, heals: heals.current, depth: depth.current };
}

function add(a: number | null, b: number | null): number | null {
  return a === null && b === null ? null : (a ?? 0) + (b ?? 0);
}
