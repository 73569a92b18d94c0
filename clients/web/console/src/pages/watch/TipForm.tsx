import type { BeaconApi } from 'beacon-client';
import { useState } from 'preact/hooks';
import { useOnce, useWork } from '../../hooks';
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
  const { busy, problem, fail, run } = useWork();
  const once = useOnce();

  const tip = () => {
    const value = microcredits(amount);
    setReceipt(undefined);
    if (value === undefined) return fail('Give an amount in credits, with at most six decimals.');
    void run(async () => {
      const given = await once(`${streamId}/${value}`, (transferId) => giveTip(api, streamId, value, transferId));
      setReceipt({ ...given, given: value });
      refresh();
    });
  };

  return (
    <form
      class="card tip"
      aria-labelledby="tip-title"
      onSubmit={(event) => {
        event.preventDefault();
        tip();
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
