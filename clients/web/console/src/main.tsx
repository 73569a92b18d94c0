import { render } from 'preact';
import { useState } from 'preact/hooks';
import { Account } from './account';
import { ChannelPage } from './pages/ChannelPage';
import { LivePage } from './pages/LivePage';
import { StreamsPage } from './pages/StreamsPage';
import { WatchPage } from './pages/WatchPage';
import { SignIn } from './parts/SignIn';
import { followLink, useLocation } from './router';
import './styles.css';

function App() {
  const { path, query } = useLocation();
  const [account, setAccount] = useState(() => Account.stored());
  const watched = /^\/watch\/([0-9a-f-]{36})$/i.exec(path)?.[1];

  const channel = /^\/channel\/([^/]+)$/.exec(path)?.[1];

  const page = () => {
    if (channel) return <ChannelPage key={channel} channel={decodeURIComponent(channel)} />;
    if (path !== '/live' && !watched) return path === '/' ? <StreamsPage /> : <NotFound />;
    if (!account) return <SignIn name={query.get('name')} onSignedIn={setAccount} />;
    return watched ? (
      <WatchPage key={watched} account={account} streamId={watched} query={query} />
    ) : (
      <LivePage account={account} query={query} />
    );
  };

  return (
    <div onClick={followLink}>
      <header class="bar">
        <a class="brand" href="/">
          Beacon
        </a>
        <nav aria-label="Main">
          <a href="/" aria-current={path === '/' ? 'page' : undefined}>
            Streams
          </a>
          <a href="/live" aria-current={path === '/live' ? 'page' : undefined}>
            Go live
          </a>
          <a href="/scalar">API</a>
        </nav>
        {account && (
          <span class="who" data-testid="account" data-account-id={account.accountId}>
            {account.name}
          </span>
        )}
      </header>
      <main>{page()}</main>
    </div>
  );
}

function NotFound() {
  return (
    <div class="card empty">
      <h1>Nothing here</h1>
      <p>
        <a href="/">To the live streams</a>
      </p>
    </div>
  );
}

render(<App />, document.getElementById('app')!);
