import { useRef, useState } from 'preact/hooks';
import type { Account } from '../../app/account';
import { useSession } from '../../app/session';
import { SignIn } from '../../app/SignIn';
import { Chart, type Line } from '../../charts/Chart';
import { Series } from '../../charts/series';
import { credits, dateTime, microcredits } from '../../format';
import { useOnce, usePolled, useWork } from '../../hooks';
import { Facts } from '../../parts/Facts';
import { Problem } from '../../parts/Problem';
import { Tiles } from '../../parts/Tiles';
import * as ledger from '../../rest/ledger';

const KINDS: Record<string, string> = {
  ACCOUNT_KIND_WALLET: 'In wallets',
  ACCOUNT_KIND_ESCROW: 'In escrow',
  ACCOUNT_KIND_TREASURY: 'Treasury',
  ACCOUNT_KIND_RELAY_ISSUANCE: 'Issued for relaying',
};
const CREDITS: Line[] = [
  { name: 'wallets', colour: 'credit' },
  { name: 'escrow', colour: 'accent' },
  { name: 'issued for relaying', colour: 'good' },
];
const EVERY_MS = 5000;

/** What an operator does with credits. Only for who has the operator's key. */
export function LedgerDesk() {
  const { account, signIn } = useSession();
  return (
    <section class="form" aria-labelledby="ledger-title">
      <h2 id="ledger-title">Ledger</h2>
      {account?.isOperator ? (
        <Desk account={account} />
      ) : (
        <SignIn operator reason="Deposits, payouts and freezes are for operators. This tab goes on as the operator you sign in as." onSignedIn={signIn} />
      )}
    </section>
  );
}

function Desk({ account }: { account: Account }) {
  const { api } = account;
  const series = useRef(new Series(3));
  const [version, setVersion] = useState(0);
  const ask = async () => {
    const totals = await ledger.totals(api);
    const of = (kind: string) => Number(BigInt(totals.kinds.find((one) => one.kind === kind)?.balanceMicrocredits ?? 0)) / 1_000_000;
    series.current.push(Date.now() / 1000, [of('ACCOUNT_KIND_WALLET'), of('ACCOUNT_KIND_ESCROW'), -of('ACCOUNT_KIND_RELAY_ISSUANCE')]);
    setVersion((last) => last + 1);
    return totals;
  };
  const { value: totals, problem, again } = usePolled(ask, EVERY_MS, account.accountId);
  const isBalanced = totals?.sumMicrocredits === '0';
  return (
    <>
      {problem !== undefined && <Problem cause={problem} onRetry={again} />}
      {totals && !isBalanced && (
        <Problem cause={`The balances add up to ${credits(BigInt(totals.sumMicrocredits))} credits instead of 0. Stop the ledger and verify it: docs/operations.md.`} />
      )}
      {totals && (
        <Tiles
          testId="ledger-totals"
          tiles={[
            ...totals.kinds.map(({ kind, accounts, balanceMicrocredits }) => ({
              name: KINDS[kind] ?? kind,
              value: credits(BigInt(balanceMicrocredits), 2),
              hint: `${accounts.toLocaleString('en')} ${accounts === 1 ? 'account' : 'accounts'}`,
            })),
            { name: 'Held by withdrawals', value: credits(BigInt(totals.heldMicrocredits), 2) },
            { name: 'Sum of all', value: credits(BigInt(totals.sumMicrocredits)), kind: isBalanced ? 'good' : 'bad', testId: 'ledger-sum' },
          ]}
        />
      )}
      <Chart title="Credits" unit="credits" lines={CREDITS} data={series.current.data} version={version} testId="chart-credits" />
      <div class="desk">
        <Deposit account={account} onDone={again} />
        <Freeze account={account} />
      </div>
      <Withdrawals account={account} onDone={again} />
    </>
  );
}

function Deposit({ account, onDone }: { account: Account; onDone: () => void }) {
  const [to, setTo] = useState('');
  const [amount, setAmount] = useState('');
  const [done, setDone] = useState('');
  const { busy, problem, fail, run } = useWork();
  const once = useOnce();

  const book = () => {
    const value = microcredits(amount);
    setDone('');
    if (value === undefined) return fail('Give an amount in credits, with at most six decimals.');
    void run(async () => {
      const { balanceMicrocredits } = await once(`${to}/${value}`, (id) => ledger.deposit(account.api, to.trim(), value, id));
      setDone(`Done: the account has ${credits(BigInt(balanceMicrocredits))} credits now.`);
      setAmount('');
      onDone();
    });
  };

  // After each deposit the amount is a new field, which nobody has left empty yet.
  return (
    <form
      class="card form"
      onSubmit={(event) => {
        event.preventDefault();
        book();
      }}
    >
      <h3>Deposit</h3>
      <label class="field">
        Account id
        <input data-testid="deposit-account" required value={to} placeholder="guest-…" onInput={(event) => setTo(event.currentTarget.value)} />
        <span class="hint">Its owner finds it in the wallet.</span>
      </label>
      <label class="field">
        Credits
        <input key={done} data-testid="deposit-amount" inputMode="decimal" required value={amount} onInput={(event) => setAmount(event.currentTarget.value)} />
      </label>
      <button data-testid="deposit" disabled={busy}>
        {busy ? 'Booking …' : 'Deposit'}
      </button>
      {done && (
        <p class="notice good small" role="status" data-testid="deposit-done">
          {done}
        </p>
      )}
      {problem !== undefined && <Problem cause={problem} />}
    </form>
  );
}

function Freeze({ account }: { account: Account }) {
  const [id, setId] = useState('');
  const [note, setNote] = useState('');
  const [view, setView] = useState<ledger.AccountView>();
  const { busy, problem, run } = useWork();
  const look = async () => setView(await ledger.accountView(account.api, id.trim()));

  return (
    <form
      class="card form"
      onSubmit={(event) => {
        event.preventDefault();
        setView(undefined);
        void run(look);
      }}
    >
      <h3>Account</h3>
      <label class="field">
        Account id
        <input data-testid="freeze-account" required value={id} placeholder="guest-…" onInput={(event) => setId(event.currentTarget.value)} />
      </label>
      <button class="quiet" data-testid="look-up" disabled={busy}>
        Look up
      </button>
      {problem !== undefined && <Problem cause={problem} />}
      {view && (
        <>
          <Facts
            facts={[
              { name: 'Name', testId: 'account-name', value: view.displayName || '–' },
              { name: 'Balance', testId: 'account-balance', value: `${credits(BigInt(view.balanceMicrocredits))} credits` },
              { name: 'Free to spend', testId: 'account-available', value: credits(BigInt(view.availableMicrocredits)) },
              { name: 'Earned by relaying', testId: 'account-earned', value: credits(BigInt(view.earnedByRelayingMicrocredits)) },
              { name: 'State', testId: 'account-state', value: view.frozen ? <span class="badge bad">frozen</span> : <span class="badge good">free</span> },
            ]}
          />
          <label class="field">
            Why, for other operators
            <input data-testid="freeze-note" maxLength={200} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
          </label>
          <button
            type="button"
            class={view.frozen ? '' : 'danger'}
            data-testid="freeze"
            disabled={busy}
            onClick={() =>
              void run(async () => {
                await ledger.setFrozen(account.api, view.accountId, !view.frozen, note);
                await look();
              })
            }
          >
            {view.frozen ? 'End the freeze' : 'Freeze: nothing leaves the wallet'}
          </button>
          <ul class="small soft">
            {view.freezes.slice(0, 5).map((freeze) => (
              <li key={freeze.setAt}>
                {dateTime(freeze.setAt)}: {freeze.frozen ? 'frozen' : 'freed'} {freeze.note && `(${freeze.note})`}
              </li>
            ))}
          </ul>
        </>
      )}
    </form>
  );
}

function Withdrawals({ account, onDone }: { account: Account; onDone: () => void }) {
  const { value, problem, again } = usePolled(() => ledger.waitingWithdrawals(account.api), EVERY_MS, account.accountId);
  const { busy, problem: failure, run } = useWork();
  const once = useOnce();

  const decide = (withdrawalId: string, how: 'post' | 'void') =>
    run(async () => {
      await once(`${withdrawalId}/${how}`, (id) => ledger.decideWithdrawal(account.api, withdrawalId, how, id));
      onDone();
      again();
    });

  const waiting = value?.withdrawals ?? [];
  return (
    <section class="card" aria-labelledby="payouts-title">
      <h3 id="payouts-title">Payouts that wait</h3>
      {(failure ?? problem) !== undefined && <Problem cause={failure ?? problem} />}
      {value && waiting.length === 0 && <p class="soft small">None.</p>}
      {waiting.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Table of the payouts">
          <table data-testid="payouts">
            <thead>
              <tr>
                <th scope="col">Account</th>
                <th scope="col" class="figure">
                  Credits
                </th>
                <th scope="col">Asked</th>
                <th scope="col">Expires</th>
                <th scope="col">
                  <span class="unseen">Decision</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {waiting.map((withdrawal) => (
                <tr key={withdrawal.withdrawalId}>
                  <td>
                    <code>{withdrawal.accountId}</code>
                  </td>
                  <td class="figure">{credits(BigInt(withdrawal.amountMicrocredits))}</td>
                  <td>{dateTime(withdrawal.requestedAt)}</td>
                  <td>{dateTime(withdrawal.expiresAt)}</td>
                  <td>
                    <span class="row">
                      <button class="quiet" data-testid="post-withdrawal" disabled={busy} onClick={() => void decide(withdrawal.withdrawalId, 'post')}>
                        Paid out
                      </button>
                      <button class="quiet" data-testid="void-withdrawal" disabled={busy} onClick={() => void decide(withdrawal.withdrawalId, 'void')}>
                        Refuse
                      </button>
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
