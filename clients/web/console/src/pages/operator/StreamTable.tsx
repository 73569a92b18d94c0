import { useState } from 'preact/hooks';
import { since } from '../../format';
import { useHeartbeat, useSettled } from '../../hooks';
import { Problem } from '../../parts/Problem';
import { useDirectory } from '../streams/directory';

const MOST = 100;

export function StreamTable() {
  useHeartbeat(10_000);
  const [text, setText] = useState('');
  const query = useSettled(text.trim(), 250);
  const { streams, problem, retry } = useDirectory({ query, tag: '', language: '' });
  return (
    <section class="card" aria-labelledby="streams-table-title">
      <div class="page-head">
        <h2 id="streams-table-title">Streams</h2>
        <label class="field">
          <span class="unseen">Search streams</span>
          <input type="search" data-testid="operator-search" placeholder="Search titles and channels" maxLength={100} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
      </div>
      {problem && <Problem cause={problem} onRetry={retry} />}
      {streams?.length === 0 && <p class="soft">{query ? 'No stream fits.' : 'Nobody is live.'}</p>}
      {streams && streams.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Table of the streams">
          <table data-testid="operator-streams">
            <thead>
              <tr>
                <th scope="col">Title</th>
                <th scope="col">Channel</th>
                <th scope="col" class="figure">
                  Viewers
                </th>
                <th scope="col" class="figure">
                  Room for
                </th>
                <th scope="col" class="figure">
                  Live for
                </th>
              </tr>
            </thead>
            <tbody>
              {streams.slice(0, MOST).map((stream) => (
                <tr key={stream.streamId}>
                  <td>
                    <a href={`/operator/${stream.streamId}`} data-testid="operator-stream">
                      {stream.title}
                    </a>
                  </td>
                  <td>{stream.channel}</td>
                  <td class="figure">{stream.viewers ?? 0}</td>
                  <td class="figure">{stream.spareSlots ?? 0}</td>
                  <td class="figure">{since(stream.startedAt, Date.now())}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {streams.length > MOST && <p class="soft small">{streams.length - MOST} more: search for them.</p>}
        </div>
      )}
    </section>
  );
}
