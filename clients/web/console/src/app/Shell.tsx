import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Avatar } from '../design/Avatar';
import { Icon, type IconName } from '../design/Icon';
import { credits } from '../format';
import { useWallet } from '../parts/wallet/useWallet';
import { useSession } from './session';
import './shell.css';
import { useTheme, type Theme } from './theme';

const NAV: { href: string; name: string; icon: IconName }[] = [
  { href: '/', name: 'Streams', icon: 'grid' },
  { href: '/live', name: 'Go live', icon: 'camera' },
  { href: '/sponsor', name: 'Sponsor', icon: 'gift' },
  { href: '/operator', name: 'Operator', icon: 'tree' },
];

const THEME_NAMES: Record<Theme, string> = { system: 'as the system', light: 'light', dark: 'dark' };

/** What stands around every page. */
export function Shell({ path, children }: { path: string; children: ComponentChildren }) {
  const { account } = useSession();
  const [theme, nextTheme] = useTheme();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);

  // Who comes by keyboard or with a screen reader begins at the new page, not where the link was.
  useEffect(() => {
    if (isFirst.current) isFirst.current = false;
    else {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }, [path]);

  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="bar">
        <a class="brand" href="/">
          <img src="/icon.svg" width={28} height={28} alt="" />
          Beacon
        </a>
        <nav class="nav" aria-label="Main">
          {NAV.map(({ href, name, icon }) => (
            <a key={href} href={href} aria-current={isCurrent(path, href) ? 'page' : undefined}>
              <Icon name={icon} />
              {name}
            </a>
          ))}
        </nav>
        <div class="tools">
          <button class="quiet icon" onClick={nextTheme} aria-label={`Colours: ${THEME_NAMES[theme]}. Change`} title={`Colours: ${THEME_NAMES[theme]}`}>
            <Icon name={theme === 'dark' ? 'moon' : theme === 'light' ? 'sun' : 'contrast'} />
          </button>
          {account ? <Who /> : <SignInButton />}
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
      <footer class="foot">
        <span>The viewers carry the video.</span>
        <a href="/scalar">API reference</a>
        <a href="/sdk">SDK reference</a>
      </footer>
    </>
  );
}

function Who() {
  const { account, openWallet } = useSession();
  const { wallet } = useWallet();
  return (
    <>
      <button class="quiet balance" data-testid="open-wallet" onClick={openWallet} aria-haspopup="dialog">
        <Icon name="coin" />
        <span>
          <span class="unseen">Wallet: </span>
          {wallet ? credits(wallet.balanceMicrocredits, 2) : '…'}
        </span>
      </button>
      <span class="who" data-testid="account" data-account-id={account!.accountId}>
        <Avatar of={account!.channel} name={account!.name} />
        <span>{account!.name}</span>
      </span>
    </>
  );
}

function SignInButton() {
  const { openSignIn } = useSession();
  return (
    <button class="quiet" onClick={openSignIn} data-testid="open-sign-in" aria-haspopup="dialog">
      Sign in
    </button>
  );
}

function isCurrent(path: string, href: string): boolean {
  return href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`);
}
