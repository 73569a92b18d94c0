import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Account } from './account';

/** Who sits in front of the pages, and what every page may ask of the frame around it. */
export interface Session {
  account: Account | undefined;
  signIn: (account: Account) => void;
  signOut: () => void;
  openWallet: () => void;
  openSignIn: () => void;
}

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  return useContext(SessionContext)!;
}
