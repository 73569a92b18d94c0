import { useState } from 'preact/hooks';
import type { Account } from '../../app/account';
import { count, credits, microcredits } from '../../format';
import { useOnce, usePolled, useWork } from '../../hooks';
import { Problem } from '../../parts/Problem';
import { useWallet } from '../../parts/wallet/useWallet';
import { sponsor, type Sponsorship } from '../../rest/ledger';
import { estimate } from './estimate';

interface Props {
  account: Account;
  /** From the page's address. */
  streamId: string;
  onCreated: (sponsorship: Sponsorship) => void;
}

/** Choose a stream, fund it, and say how fast the money may go. */
export function NewSponsorship({ account, streamId: given, onCreated }: Props) {
  const { wallet, refresh } = useWallet();
  const { value: streams } = usePolled(() => account.api.streams(), 5000, 'streams');
  const [streamId, setStreamId] = useState(given);
  const [budget, setBudget] = useState('10');
  const [rate, setRate] = useState('0.01');
  const [perHour, setPerHour] = useState('');
  const [minutes, setMinutes] = useState('');
  const { busy, problem, fail, run } = useWork();
  const once = useOnce();

  const budgetAmount = microcredits(budget);
  const rateAmount = microcredits(rate);
  const perHourAmount = perHour.trim() === '' ? 0n : microcredits(perHour);
  const campaignMinutes = Number(minutes || 0);
  const stream = streams?.find((one) => one.streamId === streamId);
  const outlook =
    budgetAmount !== undefined && rateAmount !== undefined && perHourAmount !== undefined
      ? estimate(budgetAmount, rateAmount, perHourAmount, campaignMinutes, stream?.viewers ?? 0)
      : undefined;
  const isShort = wallet !== undefined && budgetAmount !== undefined && budgetAmount > wallet.availableMicrocredits;

  const create = () => {
    if (budgetAmount === undefined || rateAmount === undefined || perHourAmount === undefined) return fail('Give amounts in credits, with at most six decimals.');
    void run(async () => {
      const { sponsorship } = await once([streamId, budget, rate, perHour, minutes].join('/'), (sponsorshipId) =>
        sponsor(account.api, {
          sponsorshipId,
          streamId,
          budgetMicrocredits: budgetAmount,
          rateMicrocreditsPerViewerMinute: rateAmount,
          maxMicrocreditsPerHour: perHourAmount,
          campaignMinutes,
        }),
      );
      refresh();
      onCreated(sponsorship);
    });
  };

  return (
    <form
      class="card form"
      aria-labelledby="new-title"
      onSubmit={(event) => {
        event.preventDefault();
        create();
      }}
    >
      <div class="page-head">
        <h2 id="new-title">New</h2>
        {wallet && <span class="badge credit">you have {credits(wallet.availableMicrocredits, 2)}</span>}
      </div>
      <label class="field">
        Stream
        <select data-testid="sponsor-stream" required value={streamId} onChange={(event) => setStreamId(event.currentTarget.value)}>
          <option value="">{streams?.length === 0 ? 'nobody is live' : 'choose one'}</option>
          {streams?.map((one) => (
            <option key={one.streamId} value={one.streamId}>
              {one.title} ({count(one.viewers ?? 0, 'viewer')})
            </option>
          ))}
        </select>
      </label>
      <div class="pair">
        <label class="field">
          Budget in credits
          <input data-testid="sponsor-budget" inputMode="decimal" required value={budget} onInput={(event) => setBudget(event.currentTarget.value)} />
        </label>
        <label class="field">
          For a viewer-minute
          <input data-testid="sponsor-rate" inputMode="decimal" required value={rate} onInput={(event) => setRate(event.currentTarget.value)} />
        </label>
      </div>
      <details>
        <summary>How fast</summary>
        <div class="pair">
          <label class="field">
            At most an hour
            <input data-testid="sponsor-per-hour" inputMode="decimal" placeholder="no bound" value={perHour} onInput={(event) => setPerHour(event.currentTarget.value)} />
          </label>
          <label class="field">
            Spread over minutes
            <input data-testid="sponsor-minutes" type="number" min={0} max={525_600} placeholder="until it ends" value={minutes} onInput={(event) => setMinutes(event.currentTarget.value)} />
          </label>
        </div>
      </details>
      {outlook && (
        <p class="small soft" data-testid="sponsor-estimate">
          Buys {outlook.viewerMinutes.toLocaleString('en')} viewer-minutes
          {outlook.minutes !== undefined && `, about ${duration(outlook.minutes)} of the audience that is there now`}.
        </p>
      )}
      {isShort && <p class="notice warn small">That is more than you have. Lower the budget, relay a while, or ask an operator for a deposit.</p>}
      <button data-testid="sponsor-create" disabled={busy}>
        {busy ? 'Funding …' : 'Fund it'}
      </button>
      {problem !== undefined && <Problem cause={problem} />}
    </form>
  );
}

function duration(minutes: number): string {
  if (minutes < 90) return `${Math.max(1, Math.round(minutes))} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}
