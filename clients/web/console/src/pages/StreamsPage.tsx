import { BeaconApi } from 'beacon-client';
import { usePolled } from '../hooks';

const api = new BeaconApi(location.origin);

export function StreamsPage() {
  const { value: streams, failed } = usePolled(() => api.streams(), 3000, 'streams');
  return (
    <section aria-labelledby="streams-title">
      <header class="page-head">
        <h1 id="streams-title">Live now</h1>
        <a class="button" href="/live" data-testid="go-live-link">
          Go live
        </a>
      </header>
      {failed && (
        <p class="error" role="alert">
          The server does not answer. Trying again.
        </p>
      )}
      {streams?.length === 0 && (
        <div class="card empty" data-testid="no-streams">
          <h2>Nobody is live</h2>
          <p class="muted">
            Be the first: <a href="/live?source=pattern">send the test pattern</a> and open it in another tab.
          </p>
        </div>
      )}
      <ul class="streams" data-testid="streams">
        {streams?.map((stream) => (
          <li key={stream.streamId}>
            <a class="card stream" href={`/watch/${stream.streamId}`} data-testid="stream" data-stream-id={stream.streamId}>
              <strong>{stream.title}</strong>
              <span class="muted">{stream.channel}</span>
              {stream.squadAccountIds && stream.squadAccountIds.length > 1 && (
                <span class="muted" title={stream.squadAccountIds.join(', ')} data-testid="squad">
                  squad of {stream.squadAccountIds.length}
                </span>
              )}
              <span class="badge">
                {stream.viewers ?? 0} {stream.viewers === 1 ? 'viewer' : 'viewers'}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
