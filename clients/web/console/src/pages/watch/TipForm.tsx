import type { BeaconApi } from 'beacon-client';
import { BeaconError } from 'beacon-client';
import { useRef, useState } from 'preact/hooks';
import { CopyButton } from '../../parts/CopyButton';
import { Problem } from '../../parts/Problem';
import { useWallet } from '../../parts/wallet/useWallet';
import { credits, microcredits, shortId } from '../../format';
import { tip as giveTip, type TipReceipt } from '../../rest/ledger';

const PRESETS = ['1', '5', '10', '50'];

interface Props {
  api: BeaconApi;
  streamId: string;
}

/** A gift to the stream, and the receipt that says who got what. */
export function TipForm({ api, streamId }: Props) {
  const { wallet, refresh } = useWallet();
  const [amount, setAmount] = useState('1');
  const [receipt, setReceipt] = useState<TipReceipt & { given: bigint }>();
  const [problem, setProblem] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  // The id of a tip whose answer was lost is used again, so that a second press cannot pay twice.
  const unanswered = useRef<{ amount: bigint; streamId: string; transferId: string } | undefined>(undefined);

  const tip = async () => {
    const value = microcredits(amount);
    setReceipt(undefined);
    setProblem(undefined);
    if (value === undefined) return setProblem('Give an amount in credits, with at most six decimals.');
    const last = unanswered.current;
    const transferId = last?.amount === value && last.streamId === streamId ? last.transferId : crypto.randomUUID();
    unanswered.current = { amount: value, streamId, transferId };
    setBusy(true);
    try {
      setReceipt({ ...(await giveTip(api, streamId, value, transferId)), given: value });
      unanswered.current = undefined;
      refresh();
    } catch (cause) {
      const error = BeaconError.from(cause);
      if (!error.retryable) unanswered.current = undefined;
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      class="card tip"
      aria-labelledby="tip-title"
      onSubmit={(event) => {
        event.preventDefault();
        void tip();
      }}
    >
      <div class="page-head">
        <h2 id="tip-title">Tip</h2>
        {wallet && <span class="badge credit">you have {credits(wallet.availableMicrocredits, 2)}</span>}
      </div>
      <div class="choices" role="group" aria-label="Amounts">
        {PRESETS.map((preset) => (
          <button key={preset} type="button" class="quiet" aria-pressed={amount === preset} data-testid={`tip-${preset}`} onClick={() => setAmount(preset)}>
            {preset}
          </button>
        ))}
      </div>
      <div class="tip-line">
        <label class="field">
          Credits
          <input data-testid="tip-amount" inputMode="decimal" required value={amount} onInput={(event) => setAmount(event.currentTarget.value)} />
        </label>
        <button type="submit" data-testid="tip-send" disabled={busy}>
          {busy ? 'Sending …' : 'Send the tip'}
        </button>
      </div>
      <div role="status">
        {receipt && (
          <div class="receipt" data-testid="tip-result">
            <p>
              <strong>Thank you: {credits(receipt.given)} credits given.</strong>
            </p>
            <ul>
              {receipt.legs.map((leg) => (
                <li key={leg.accountId}>
                  <code title={leg.accountId}>{shortId(leg.accountId)}</code>
                  <span class="figure">{credits(BigInt(leg.amountMicrocredits))}</span>
                </li>
              ))}
            </ul>
            <p class="small soft">
              Receipt <code>{shortId(receipt.transferId)}</code> <CopyButton text={receipt.transferId} name="the number of the receipt" /> You have{' '}
              {credits(BigInt(receipt.balanceMicrocredits))} credits left.
            </p>
          </div>
        )}
      </div>
      {problem !== undefined && <Problem cause={problem} testId="tip-problem" />}
    </form>
  );
}
