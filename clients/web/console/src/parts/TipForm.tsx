import type { BeaconClient } from 'beacon-client';
import { BeaconError } from 'beacon-client';
import { useRef, useState } from 'preact/hooks';
import { credits, microcredits } from '../format';

interface Props {
  client: BeaconClient;
  streamId: string;
  onBalance: (balance: bigint) => void;
}

export function TipForm({ client, streamId, onBalance }: Props) {
  const [amount, setAmount] = useState('1');
  const [given, setGiven] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  // The id of a tip whose answer was lost is used again, so that a second press cannot pay twice.
  const unanswered = useRef<{ amount: bigint; streamId: string; transferId: string } | undefined>(undefined);

  const tip = async () => {
    const value = microcredits(amount);
    setGiven('');
    setProblem('');
    if (value === undefined) {
      setProblem('An amount in credits, with at most six decimals.');
      return;
    }
    const last = unanswered.current;
    const transferId = last?.amount === value && last.streamId === streamId ? last.transferId : crypto.randomUUID();
    unanswered.current = { amount: value, streamId, transferId };
    setBusy(true);
    try {
      const result = await client.api.tip(streamId, value, transferId);
      unanswered.current = undefined;
      onBalance(result.balanceMicrocredits);
      setGiven(`Thank you: ${credits(value)} credits given.`);
    } catch (cause) {
      const error = BeaconError.from(cause);
      if (!error.retryable) unanswered.current = undefined;
      setProblem(error.message);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        void tip();
      }}
    >
      <label>
        Tip in credits
        <input data-testid="tip-amount" inputMode="decimal" value={amount} onInput={(event) => setAmount(event.currentTarget.value)} />
      </label>
      <button type="submit" data-testid="tip-send" disabled={busy}>
        Tip
      </button>
      <p role="status" class="muted">
        {given && <span data-testid="tip-result">{given}</span>}
        {problem && <span data-testid="tip-problem">{problem}</span>}
      </p>
    </form>
  );
}
