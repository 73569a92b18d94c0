import { useMemo, useState } from 'preact/hooks';
import { Sheet } from '../design/Dialogs';
import { StreamsPage } from '../pages/streams/StreamsPage';
import { WalletDrawer } from '../parts/wallet/WalletDrawer';
import { WalletProvider } from '../parts/wallet/useWallet';
import { Account } from './account';
import { lazyPage } from './lazyPage';
import { followLink, useLocation } from './router';
import { SessionContext, type Session } from './session';
import { Shell } from './Shell';
import { SignIn } from './SignIn';

const ChannelPage = lazyPage(async () => (await import('../pages/channel/ChannelPage')).ChannelPage);
const WatchPage = lazyPage(async () => (await import('../pages/watch/WatchPage')).WatchPage);
const LivePage = lazyPage(async () => (await import('../pages/live/LivePage')).LivePage);
const SponsorPage = lazyPage(async () => (await import('../pages/sponsor/SponsorPage')).SponsorPage);
const OperatorPage = lazyPage(async () => (await import('../pages/operator/OperatorPage')).OperatorPage);

export function App() {
  const { path, query } = useLocation();
  const [account, setAccount] = useState(() => Account.stored());
  const [open, setOpen] = useState<'wallet' | 'sign-in'>();

  const session = useMemo<Session>(
    () => ({
      account,
      signIn: (next) => {
        setAccount(next);
        setOpen(undefined);
      },
      signOut: () => {
        account?.signOut();
        setAccount(undefined);
        setOpen(undefined);
      },
      openWallet: () => setOpen('wallet'),
      openSignIn: () => setOpen('sign-in'),
    }),
    [account],
  );

  const page = () => {
    const channel = /^\/channel\/([^/]+)$/.exec(path)?.[1];
    const watched = /^\/watch\/([0-9a-f-]{36})$/i.exec(path)?.[1];
    const operated = /^\/operator(?:\/([0-9a-f-]{36}))?$/i.exec(path);
    if (path === '/') return <StreamsPage query={query} />;
    if (channel) return <ChannelPage key={channel} channel={decodeURIComponent(channel)} query={query} />;
    if (operated) return <OperatorPage streamId={operated[1] ?? ''} />;
    if (path !== '/live' && path !== '/sponsor' && !watched) return <NotFound />;
    if (!account) return <SignIn isPage name={query.get('name')} onSignedIn={session.signIn} />;
    if (path === '/sponsor') return <SponsorPage account={account} query={query} />;
    return watched ? <WatchPage key={watched} account={account} streamId={watched} query={query} /> : <LivePage account={account} query={query} />;
  };

  return (
    <SessionContext.Provider value={session}>
      <WalletProvider account={account}>
        <div class="app" onClick={followLink}>
          <Shell path={path}>{page()}</Shell>
          {open === 'wallet' && account && <WalletDrawer account={account} onClose={() => setOpen(undefined)} />}
          {open === 'sign-in' && (
            <Sheet label="Sign in" onClose={() => setOpen(undefined)}>
              <SignIn onSignedIn={session.signIn} />
            </Sheet>
          )}
        </div>
      </WalletProvider>
    </SessionContext.Provider>
  );
}

function NotFound() {
  return (
    <div class="card empty">
      <h1>Nothing here</h1>
      <p>
        This address leads nowhere. <a href="/">To the live streams</a>
      </p>
    </div>
  );
}
