import { useEffect, useState } from 'preact/hooks';
import { Problem } from '../parts/Problem';
import { Account } from './account';

interface Props {
  /** From the page's address: signs in without asking. */
  name?: string | null;
  /** What the account is wanted for. */
  reason?: string;
  /** Asks for the operator key as well. */
  operator?: boolean;
  /** It is the whole page. */
  isPage?: boolean;
  onSignedIn: (account: Account) => void;
}

export function SignIn({ name: given = null, reason, operator = false, isPage = false, onSignedIn }: Props) {
  const [name, setName] = useState(given ?? (operator ? 'Operator' : ''));
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState<unknown>();
  const [busy, setBusy] = useState(false);

  const signIn = async (chosen: string) => {
    setBusy(true);
    setProblem(undefined);
    try {
      onSignedIn(await Account.signIn(chosen, key));
    } catch (cause) {
      setProblem(cause);
      setBusy(false);
    }
  };

  useEffect(() => {
    if (given) void signIn(given);
  }, [given]);

  const Heading = isPage ? 'h1' : operator ? 'h3' : 'h2';
  return (
    <form
      class="card form sign-in"
      data-testid="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        void signIn(name.trim());
      }}
    >
      <Heading>{operator ? 'Sign in as an operator' : 'Who are you?'}</Heading>
      <p class="soft small">{reason ?? 'A guest account, kept in this tab only. Others see the name.'}</p>
      <label class="field">
        Name
        <input
          data-testid="guest-name"
          value={name}
          required
          maxLength={40}
          autocomplete="nickname"
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      {operator && (
        <label class="field">
          Operator key
          <input
            data-testid="operator-key"
            type="password"
            value={key}
            required
            autocomplete="off"
            onInput={(event) => setKey(event.currentTarget.value)}
          />
          <span class="hint">
            It is in the file <code>operator.key</code> of the server's data directory.
          </span>
        </label>
      )}
      <button type="submit" data-testid="sign-in-button" disabled={busy || name.trim() === ''}>
        {busy ? 'Signing in…' : 'Continue'}
      </button>
      {problem !== undefined && <Problem cause={problem} />}
    </form>
  );
}
