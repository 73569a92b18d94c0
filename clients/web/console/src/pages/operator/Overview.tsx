import { Chart, type Line } from '../../charts/Chart';
import { Problem } from '../../parts/Problem';
import { Tiles } from '../../parts/Tiles';
import { useMetrics } from './useMetrics';

const JOINS: Line[] = [{ name: 'joins', colour: 'accent' }];
const HEALS: Line[] = [
  { name: 'healed', colour: 'bad' },
  { name: 'improved', colour: 'good' },
];
const DEPTH: Line[] = [
  { name: 'mean', colour: 'accent' },
  { name: 'ideal', colour: 'good', dashed: true },
];
const HEAL_TIME: Line[] = [{ name: 'p95 to heal', colour: 'bad' }];

/** All streams of this server together, from its own scrape. */
export function Overview() {
  const { figures, problem, version, joins, heals, depth } = useMetrics();
  const number = (value: number | undefined, decimals = 0) => (value === undefined ? '–' : value.toLocaleString('en', { maximumFractionDigits: decimals }));
  const [times, healed, improved, p95] = heals.data;
  return (
    <section class="form" aria-labelledby="overview-title">
      <h2 id="overview-title">All streams</h2>
      {problem && <Problem cause={problem} />}
      <Tiles
        testId="operator-figures"
        tiles={[
          { name: 'Streams', value: number(figures?.streams) },
          { name: 'Peers', value: number(figures?.peers) },
          { name: 'Connections', value: number(figures?.sessions) },
          { name: 'Waiting for a slot', value: number(figures?.waiting), kind: figures?.waiting ? 'warn' : '' },
          { name: 'Degraded parents', value: number(figures?.degraded), kind: figures?.degraded ? 'warn' : '' },
          { name: 'Have a standby', value: figures?.standbyCoverage === undefined ? '–' : `${number(figures.standbyCoverage * 100)} %` },
          { name: 'Ledger last proved', value: figures?.proofAgeSeconds === undefined ? '–' : `${number(figures.proofAgeSeconds)} s ago` },
        ]}
      />
      <div class="charts">
        <Chart title="Joins" unit="viewers a second" lines={JOINS} data={joins.data} version={version} testId="chart-joins" />
        <Chart title="Moves" unit="a second" lines={HEALS} data={[times, healed!, improved!]} version={version} testId="chart-heals" />
        <Chart title="Time to heal" unit="ms" lines={HEAL_TIME} data={[times, p95!]} version={version} testId="chart-heal-time" decimals={0} />
        <Chart title="Depth" unit="hops, mean over all viewers" lines={DEPTH} data={depth.data} version={version} testId="chart-depth" />
      </div>
    </section>
  );
}
