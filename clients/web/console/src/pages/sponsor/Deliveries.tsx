import { useMemo, useState } from 'preact/hooks';
import type { Account } from '../../app/account';
import { Chart, type Line } from '../../charts/Chart';
import { credits, dateTime, microcredits } from '../../format';
import { useOnce, usePolled, useWork } from '../../hooks';
import { Problem } from '../../parts/Problem';
import { Tiles } from '../../parts/Tiles';
import { useWallet } from '../../parts/wallet/useWallet';
import { deliveries, endSponsorship, topUp, type Delivery, type Sponsorship } from '../../rest/ledger';

const SPENT: Line[] = [{ name: 'credits', colour: 'credit', bars: true }];

const viewerMinutes = ({ viewerMs }: Delivery) => Number(viewerMs) / 60_000;

/** What a sponsorship got for its money, and what can still be done about it. */
export function Deliveries({ account, sponsorship, onChange }: { account: Account; sponsorship: Sponsorship; onChange: () => void }) {
  const { sponsorshipId } = sponsorship;
  const { value: report, problem, again } = usePolled(() => deliveries(account.api, sponsorshipId), 5000, sponsorshipId);
  const isActive = sponsorship.state === 'SPONSORSHIP_STATE_ACTIVE';
  const hours = useMemo(() => [...(report?.hours ?? [])].reverse(), [report]);
  const data: [number[], ...(number | null)[][]] = [
    hours.map(({ hour }) => Date.parse(hour ?? '') / 1000),
    hours.map(({ spentMicrocredits }) => Number(spentMicrocredits) / 1_000_000),
  ];
  return (
    <section class="card" aria-labelledby="deliveries-title" data-testid="deliveries">
      <h2 id="deliveries-title">Delivery</h2>
      {problem !== undefined && <Problem cause={problem} onRetry={again} />}
      {report && (
        <>
          <Tiles
            tiles={[
              { name: 'Viewer-minutes', value: viewerMinutes(report.total).toLocaleString('en', { maximumFractionDigits: 1 }), testId: 'delivered-minutes' },
              { name: 'Spent', value: credits(BigInt(report.total.spentMicrocredits), 4), hint: 'credits' },
              { name: 'Of it to relays', value: credits(BigInt(report.total.toRelaysMicrocredits), 4) },
              { name: 'Left', value: credits(BigInt(report.sponsorship.budgetMicrocredits) - BigInt(report.sponsorship.spentMicrocredits), 4) },
            ]}
          />
          {hours.length > 1 && <Chart title="Spent" unit="credits an hour" lines={SPENT} data={data} version={hours.length} />}
          {hours.length === 0 && <p class="soft small">Nothing yet. Each ten seconds of verified watching is booked when they are over.</p>}
          {hours.length > 0 && (
            <div class="scroll" tabIndex={0} role="region" aria-label="Delivery by the hour">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Hour</th>
                    <th scope="col" class="figure">
                      Viewer-minutes
                    </th>
                    <th scope="col" class="figure">
                      Credits
                    </th>
                    <th scope="col" class="figure">
                      To relays
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {report.hours.map((hour) => (
                    <tr key={hour.hour}>
                      <td>{dateTime(hour.hour ?? '')}</td>
                      <td class="figure">{viewerMinutes(hour).toFixed(1)}</td>
                      <td class="figure">{credits(BigInt(hour.spentMicrocredits), 4)}</td>
                      <td class="figure">{credits(BigInt(hour.toRelaysMicrocredits), 4)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </>
      )}
      {isActive && <Change account={account} sponsorshipId={sponsorshipId} onChange={onChange} />}
    </section>
  );
}

/** More money, or the end. */
function Change({ account, sponsorshipId, onChange }: { account: Account; sponsorshipId: string; onChange: () => void }) {
  const { refresh } = useWallet();
  const [amount, setAmount] = useState('');
  const { busy, problem, fail, run } = useWork();
  const once = useOnce();

  const change = (work: () => Promise<unknown>) =>
    run(async () => {
      await work();
      refresh();
      onChange();
    });

  const add = () => {
    const value = microcredits(amount);
    if (value === undefined) return fail('Give an amount in credits, with at most six decimals.');
    void change(async () => {
      await once(String(value), (id) => topUp(account.api, sponsorshipId, value, id));
      setAmount('');
    });
  };

  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        add();
      }}
    >
      <div class="pair">
        <label class="field">
          Add credits
          <input data-testid="top-up-amount" inputMode="decimal" value={amount} onInput={(event) => setAmount(event.currentTarget.value)} />
        </label>
        <button class="quiet" data-testid="top-up" disabled={busy}>
          Add to the budget
        </button>
      </div>
      <div class="row">
        <button class="quiet bad" type="button" data-testid="end-sponsorship" disabled={busy} onClick={() => void change(() => endSponsorship(account.api, sponsorshipId))}>
          End the sponsorship
        </button>
        <span class="small soft">What is not spent comes back at once.</span>
      </div>
      {problem !== undefined && <Problem cause={problem} />}
    </form>
  );
}
