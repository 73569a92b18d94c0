import { useEffect, useState } from 'preact/hooks';
import { navigate } from '../../app/router';
import { useSession } from '../../app/session';
import { Icon } from '../../design/Icon';
import { count } from '../../format';
import { useHeartbeat, useSettled, useTitle } from '../../hooks';
import { Problem } from '../../parts/Problem';
import { useDirectory } from './directory';
import { usePlaces, usePointedAt } from './places';
import { StreamCard } from './StreamCard';
import './streams.css';

/** What is live now. The search stands in the address, so that it can be shared. */
export function StreamsPage({ query: parameters }: { query: URLSearchParams }) {
  useTitle('Live now');
  useHeartbeat(10_000);
  const { account } = useSession();
  const [text, setText] = useState(parameters.get('q') ?? '');
  const [tag, setTag] = useState(parameters.get('tag') ?? '');
  const [language, setLanguage] = useState(parameters.get('language') ?? '');
  const query = useSettled(text.trim(), 250);
  const { isPointedAt, pointer } = usePointedAt();
  const { streams, filter, isLive, problem, retry } = useDirectory({ query, tag, language });
  const placed = usePlaces({ streams, filter }, isPointedAt);
  const isFiltered = query !== '' || tag !== '' || language !== '';

  useEffect(() => {
    const search = new URLSearchParams(Object.entries({ q: query, tag, language }).filter(([, value]) => value !== '')).toString();
    if (search !== location.search.slice(1)) navigate(`/${search && `?${search}`}`, 'replace');
  }, [query, tag, language]);

  const clear = () => {
    setText('');
    setTag('');
    setLanguage('');
  };
  const viewers = streams?.reduce((sum, stream) => sum + (stream.viewers ?? 0), 0) ?? 0;

  return (
    <section class="page" aria-labelledby="streams-title">
      <header class="page-head">
        <div>
          <h1 id="streams-title">Live now</h1>
          <p class="soft small" role="status" data-testid="streams-status">
            {!streams ? 'Looking …' : `${count(streams.length, 'stream')}, ${count(viewers, 'viewer')}${isLive ? '' : ', a few seconds old'}`}
          </p>
        </div>
        <a class="button" href="/live" data-testid="go-live-link">
          <Icon name="camera" /> Go live
        </a>
      </header>
      <form class="search" role="search" onSubmit={(event) => event.preventDefault()}>
        <label class="search-text">
          <span class="unseen">Search titles and channels</span>
          <Icon name="search" />
          <input
            type="search"
            data-testid="search"
            placeholder="Search titles and channels"
            maxLength={100}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <label class="search-language">
          <span class="unseen">Language</span>
          <select data-testid="language" value={language} onChange={(event) => setLanguage(event.currentTarget.value)}>
            <option value="">any language</option>
            {LANGUAGES.map((code) => (
              <option key={code} value={code}>
                {NAMES.of(code)}
              </option>
            ))}
          </select>
        </label>
        {tag && (
          <button class="quiet" type="button" onClick={() => setTag('')} aria-label={`Tag ${tag}: take it away`} data-testid="tag">
            #{tag} <Icon name="close" size={16} />
          </button>
        )}
      </form>
      {problem && <Problem cause={problem} onRetry={retry} />}
      {!streams && !problem && (
        <ul class="streams" aria-hidden="true">
          {Array.from({ length: 8 }, (_, index) => (
            <li key={index} class="skeleton stream-skeleton" />
          ))}
        </ul>
      )}
      {placed?.length === 0 && (
        <div class="card empty" data-testid="no-streams">
          <h2>{isFiltered ? 'Nothing live fits' : 'Nobody is live'}</h2>
          {isFiltered ? (
            <button class="quiet" onClick={clear}>
              Show everything
            </button>
          ) : (
            <p class="soft">
              Be the first: <a href="/live?source=pattern">send the test pattern</a> and open it in another tab.
            </p>
          )}
        </div>
      )}
      <ul class="streams" data-testid="streams" aria-label="Live streams" {...pointer}>
        {placed?.map((stream) => (
          <StreamCard key={stream.streamId} stream={stream} account={account} nowMs={Date.now()} onTag={setTag} />
        ))}
      </ul>
      {!account && streams && streams.length > 0 && <p class="soft small">Sign in, and a card shows the moving picture while you point at it.</p>}
    </section>
  );
}

const LANGUAGES = ['en', 'de', 'es', 'fr', 'it', 'ja', 'ko', 'nl', 'pl', 'pt', 'ru', 'tr', 'uk', 'zh'];
const NAMES = new Intl.DisplayNames(undefined, { type: 'language' });
