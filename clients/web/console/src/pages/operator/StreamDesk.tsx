import type { BeaconApi } from 'beacon-client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Chart, type Line } from '../../charts/Chart';
import { Series } from '../../charts/series';
import { shortId, since } from '../../format';
import { usePolled, useTitle } from '../../hooks';
import { Problem } from '../../parts/Problem';
import { Tiles } from '../../parts/Tiles';
import { liveStream } from '../../rest/streams';
import type { Shape } from '../../tree/layout';
import type { LiveTree } from '../../tree/liveTree';
import { TreePicture } from '../../tree/TreePicture';
import { useLiveTree } from '../../tree/useLiveTree';
import { PeerExplanation } from './PeerExplanation';

const SAMPLE_MS = 2000;
const COMING: Line[] = [
  { name: 'joined', colour: 'accent' },
  { name: 'left', colour: 'warn' },
];
const MOVES: Line[] = [
  { name: 'healed', colour: 'bad' },
  { name: 'improved', colour: 'good' },
];
const DEPTH: Line[] = [
  { name: 'mean', colour: 'accent' },
  { name: 'ideal', colour: 'good', dashed: true },
  { name: 'deepest', colour: 'warn' },
];

/** One stream: its tree as it is now, why a peer stands where it stands, and what happened while the page was open. */
export function StreamDesk({ api, streamId }: { api: BeaconApi; streamId: string }) {
  const [stripe, setStripe] = useState(0);
  const [selectedId, setSelectedId] = useState('');
  const [shape, setShape] = useState<Shape>();
  const { value: stream } = usePolled(() => liveStream(api, streamId), 3000, streamId);
  const { tree, revision, state, problem } = useLiveTree(api, streamId, stripe);
  const history = useHistory(tree);
  useTitle(stream ? `${stream.title}, operator` : 'Operator');

  const { quality } = tree;
  const viewers = Math.max(0, tree.peers.size - 1);
  return (
    <section class="page" aria-labelledby="desk-title">
      <header class="page-head">
        <div>
          <a href="/operator" class="small">
            All streams
          </a>
          <h1 id="desk-title">{stream?.title ?? 'Stream'}</h1>
          <p class="soft small">
            {stream && `${stream.channel} · live for ${since(stream.startedAt, Date.now())} · ${stream.bitrateKbps.toLocaleString('en')} kbit/s · `}
            <code>{streamId}</code>
          </p>
        </div>
        <span class={`badge ${state === 'live' ? 'good' : state === 'ended' ? '' : 'warn'}`} role="status" data-testid="tree-state">
          {{ connecting: 'connecting …', live: 'as it happens', lost: 'connection lost, trying again', ended: 'the stream is over' }[state]}
        </span>
      </header>
      {problem && state !== 'ended' && <Problem cause={problem} />}
      {stream?.broadcasterConnected === false && <Problem cause="The broadcaster’s connection is lost. The stream ends unless it comes back within the grace time." />}
      <Tiles
        tiles={[
          { name: 'Viewers', value: viewers.toLocaleString('en'), testId: 'tree-viewers' },
          { name: 'Mean depth', value: quality ? quality.meanDepth.toFixed(2) : '–', hint: quality && `ideal ${quality.idealMeanDepth.toFixed(2)}` },
          { name: 'Deepest', value: quality?.maxDepth ?? '–', hint: quality && `ideal ${quality.idealMaxDepth}` },
          { name: 'Room for', value: stream?.spareSlots ?? '–' },
          { name: 'Waiting', value: tree.waiting, kind: tree.waiting ? 'warn' : '' },
        ]}
      />
      <div class="columns">
        <div>
          <div class="row">
            <PeerSearch tree={tree} revision={revision} onSelect={setSelectedId} />
            <label class="choice">
              <input type="checkbox" checked={shape === 'downwards'} onChange={(event) => setShape(event.currentTarget.checked ? 'downwards' : undefined)} />
              Top down
            </label>
            {(stream?.stripes ?? 1) > 1 && (
              <label class="choice">
                Stripe
                <select value={stripe} onChange={(event) => setStripe(Number(event.currentTarget.value))}>
                  {Array.from({ length: stream!.stripes }, (_, index) => (
                    <option key={index} value={index}>
                      {index}
                    </option>
                  ))}
                </select>
              </label>
            )}
          </div>
          <TreePicture tree={tree} revision={revision} selectedId={selectedId} shape={shape} onSelect={setSelectedId} />
          <ul class="legend">
            {(
              [
                ['accent', 'broadcaster'],
                ['good', 'good'],
                ['warn', 'degraded'],
                ['bad', 'without a parent'],
              ] as const
            ).map(([colour, name]) => (
              <li key={name}>
                <span class="swatch dot" style={`--swatch: var(--${colour})`} /> {name}
              </li>
            ))}
            <li>larger: more uplink</li>
            <li>rings and lines: depth</li>
          </ul>
        </div>
        <PeerExplanation api={api} streamId={streamId} stripe={stripe} peerId={selectedId} tree={tree} revision={revision} onSelect={setSelectedId} />
      </div>
      <h2>Since this page was opened</h2>
      <div class="charts">
        <Chart title="Audience" unit="viewers a second" lines={COMING} data={history.coming.data} version={history.version} />
        <Chart title="Moves" unit="a second" lines={MOVES} data={history.moves.data} version={history.version} />
        <Chart title="Depth against the ideal" unit="hops" lines={DEPTH} data={history.depth.data} version={history.version} />
      </div>
    </section>
  );
}

/** What happened in the tree, a point every two seconds since the page was opened. */
function useHistory(tree: LiveTree) {
  const series = useRef({ coming: new Series(2), moves: new Series(2), depth: new Series(3) });
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      const { joined, left, healed, improved } = tree.takeHappenings();
      const atSeconds = Date.now() / 1000;
      const seconds = SAMPLE_MS / 1000;
      const { coming, moves, depth } = series.current;
      coming.push(atSeconds, [joined / seconds, left / seconds]);
      moves.push(atSeconds, [healed / seconds, improved / seconds]);
      depth.push(atSeconds, [tree.quality?.meanDepth, tree.quality?.idealMeanDepth, tree.quality?.maxDepth]);
      setVersion((last) => last + 1);
    }, SAMPLE_MS);
    return () => clearInterval(timer);
  }, [tree]);
  return { ...series.current, version };
}

const MOST_FOUND = 8;

/** Finds peers by a part of their id. */
function PeerSearch({ tree, revision, onSelect }: { tree: LiveTree; revision: number; onSelect: (peerId: string) => void }) {
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const found: string[] = [];
  if (wanted.length >= 2 && revision >= 0) {
    for (const id of tree.peers.keys()) {
      if (id.includes(wanted)) found.push(id);
      if (found.length > MOST_FOUND) break;
    }
  }
  const select = (id: string) => {
    onSelect(id);
    setText('');
  };
  return (
    <form
      class="peer-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (found[0]) select(found[0]);
      }}
    >
      <label>
        <span class="unseen">Find a peer by a part of its id</span>
        <input type="search" data-testid="peer-search" placeholder="Find a peer: part of its id" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {wanted.length >= 2 && (
        <ul class="peer-found" aria-label="Peers found">
          {found.slice(0, MOST_FOUND).map((id) => (
            <li key={id}>
              <button type="button" class="plain" onClick={() => select(id)}>
                <code>{id}</code>
              </button>
            </li>
          ))}
          {found.length === 0 && <li class="soft small">No peer has {shortId(wanted)} in its id.</li>}
          {found.length > MOST_FOUND && <li class="soft small">and more: type on</li>}
        </ul>
      )}
    </form>
  );
}
