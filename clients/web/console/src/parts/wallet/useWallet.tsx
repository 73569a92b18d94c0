import { createContext, type ComponentChildren } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '../../app/account';
import { wallet as askWallet, type Wallet } from '../../rest/ledger';

const REFRESH_MS = 15_000;

export interface WalletView {
  wallet: Wallet | undefined;
  /** What relaying brought since this page was loaded. */
  earnedHere: bigint;
  problem: unknown;
  refresh: () => void;
}

const WalletContext = createContext<WalletView>({ wallet: undefined, earnedHere: 0n, problem: undefined, refresh: () => undefined });

/** One view of the wallet for all parts of the page: told by the socket when there is one, asked for now and then in any case. */
export function WalletProvider({ account, children }: { account: Account | undefined; children: ComponentChildren }) {
  const [wallet, setWallet] = useState<Wallet>();
  const [earnedHere, setEarnedHere] = useState(0n);
  const [problem, setProblem] = useState<unknown>();
  const refresh = useRef(() => undefined as void);

  useEffect(() => {
    setWallet(undefined);
    setEarnedHere(0n);
    if (!account) return;
    let stopped = false;
    let earnedBefore: bigint | undefined;
    const ask = () =>
      askWallet(account.api).then(
        (now) => {
          if (stopped) return;
          earnedBefore ??= now.earnedByRelayingMicrocredits;
          setWallet(now);
          setEarnedHere(now.earnedByRelayingMicrocredits - earnedBefore);
          setProblem(undefined);
        },
        (cause: unknown) => !stopped && setProblem(cause),
      );
    refresh.current = () => void ask();
    void ask();
    const timer = setInterval(() => document.hidden || void ask(), REFRESH_MS);
    const stop = account.client.on('wallet', ({ balanceMicrocredits }) => {
      setWallet((last) => last && { ...last, balanceMicrocredits });
      void ask();
    });
    return () => {
      stopped = true;
      clearInterval(timer);
      stop();
    };
  }, [account]);

  return <WalletContext.Provider value={{ wallet, earnedHere, problem, refresh: () => refresh.current() }}>{children}</WalletContext.Provider>;
}

export function useWallet(): WalletView {
  return useContext(WalletContext);
}
