import { useEffect, useState } from 'preact/hooks';
import { Account } from '../account';

interface Props {
  /** From the page's address: signs in without asking. */
  name: string | null;
  onSignedIn: (account: Account) => void;
}

export function SignIn({ name: given, onSignedIn }: Props) {
  const [name, setName] = useState(given ?? '');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);

  const signIn = async (chosen: string) => {
    setBusy(true);
    setError('');
    try {
      onSignedIn(await Account.signIn(chosen));
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
      setBusy(false);
    }
  };

  useEffect(() => {
    if (given) void signIn(given);
  }, [given]);

  return (
    <form
      class="card sign-in"
      data-testid="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        void signIn(name.trim());
      }}
    >
      <h2>Who are you?</h2>
      <p class="muted">A guest account, kept in this tab only. Others see the name.</p>
      <label>
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
      <button type="submit" data-testid="sign-in-button" disabled={busy || name.trim() === ''}>
        {busy ? 'Signing in…' : 'Continue'}
      </button>
      {error && (
        <p class="error" role="alert" data-testid="error">
          {error}
        </p>
      )}
    </form>
  );
}
