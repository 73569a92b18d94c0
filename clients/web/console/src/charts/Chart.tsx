import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { colourOf, onThemeChange } from '../app/theme';
import './chart.css';

export interface Line {
  name: string;
  /** A token of design/tokens.css. */
  colour: string;
  dashed?: boolean;
  bars?: boolean;
}

interface Props {
  title: string;
  unit: string;
  lines: Line[];
  data: [number[], ...(number | null)[][]];
  /** Changes when the data has: the arrays are the same ones. */
  version: number;
  testId?: string;
  height?: number;
  decimals?: number;
}

/** Less would be all axis and no line. */
const SHORTEST_SECONDS = 60;

function clock(seconds: number): string {
  return new Date(seconds * 1000).toTimeString().slice(0, seconds % 60 === 0 ? 5 : 8);
}

/** Lines over time, and below them the figures under the pointer, or the last ones. */
export function Chart({ title, unit, lines, data, version, testId, height = 170, decimals = 2 }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const element = place.current!;
    const draw = () => {
      plot.current?.destroy();
      const grid = { stroke: colourOf(element, 'line'), width: 1 };
      const axis = { stroke: colourOf(element, 'text-soft'), grid, ticks: grid, font: '12px system-ui' };
      plot.current = new uPlot(
        {
          width: Math.max(160, element.clientWidth),
          height,
          cursor: { drag: { x: false, y: false } },
          legend: { show: false },
          scales: { x: { range: (_, min, max) => [Math.min(min ?? 0, (max ?? 0) - SHORTEST_SECONDS), max ?? 0] }, y: { range: (_, min, max) => [Math.min(0, min ?? 0), Math.max(1, (max ?? 0) * 1.1)] } },
          axes: [{ ...axis, space: 76, size: 32, values: (_, times) => times.map(clock) }, { ...axis, size: 52 }],
          series: [
            {},
            ...lines.map(({ name, colour, dashed, bars }) => ({
              label: name,
              stroke: colourOf(element, colour),
              width: 2,
              points: { show: false },
              ...(dashed ? { dash: [6, 5] } : {}),
              ...(bars ? { paths: uPlot.paths.bars!({ size: [0.7, 60] }), fill: colourOf(element, colour) } : {}),
            })),
          ],
        },
        latest.current as uPlot.AlignedData,
        element,
      );
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(160, element.clientWidth), height }));
    resized.observe(element);
    const stop = onThemeChange(draw);
    return () => {
      resized.disconnect();
      stop();
      plot.current?.destroy();
    };
  }, [lines, height]);

  useEffect(() => plot.current?.setData(data as uPlot.AlignedData), [version]);

  return (
    <figure class="chart card" data-testid={testId}>
      <figcaption>
        <h3>
          {title} <span class="soft small">{unit}</span>
        </h3>
        <ul class="legend">
          {lines.map(({ name, colour, dashed }, index) => {
            const last = data[index + 1]?.findLast((value) => value !== null);
            return (
              <li key={name}>
                <span class={dashed ? 'swatch dashed' : 'swatch'} style={`--swatch: var(--${colour})`} />
                {name} <strong>{last === undefined || last === null ? '–' : last.toLocaleString('en', { maximumFractionDigits: decimals })}</strong>
              </li>
            );
          })}
        </ul>
      </figcaption>
      <div ref={place} aria-hidden="true" />
    </figure>
  );
}
