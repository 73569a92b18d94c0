import { useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '../../app/account';
import { useSession } from '../../app/session';
import { Drawer } from '../../design/Dialogs';
import { Icon } from '../../design/Icon';
import { change, credits, dateTime, microcredits, shortId } from '../../format';
import { useOnce, usePolled, useWork } from '../../hooks';
import * as ledger from '../../rest/ledger';
import { CopyButton } from '../CopyButton';
import { Facts } from '../Facts';
import { saveFile } from '../saveFile';
import { Problem } from '../Problem';
import { codeName, statementCsv, statementRange } from './statement';
import { useWallet } from './useWallet';
import './wallet.css';

/** What this account has, where it came from, and the ways out. */
export function WalletDrawer({ account, onClose }: { account: Account; onClose: () => void }) {
  const { wallet, problem, refresh } = useWallet();
  const { signOut } = useSession();
  return (
    <Drawer label="Wallet" testId="wallet" onClose={onClose}>
      {problem !== undefined && <Problem cause={problem} onRetry={refresh} />}
      {wallet && (
        <>
          {wallet.frozen && <Problem cause="This wallet is frozen: nothing leaves it. Ask the operator of this server why." />}
          <div class="wallet-balance">
            <span>Balance</span>
            <strong data-testid="wallet-balance">{credits(wallet.balanceMicrocredits)}</strong>
            <span class="small">credits</span>
          </div>
          <Facts
            facts={[
              { name: 'Free to spend', testId: 'wallet-available', value: credits(wallet.availableMicrocredits) },
              { name: 'Earned by relaying, ever', testId: 'wallet-earned', value: credits(wallet.earnedByRelayingMicrocredits) },
              { name: 'Kept until your probation is over', testId: 'wallet-withheld', value: credits(wallet.withheldMicrocredits) },
            ]}
          />
        </>
      )}
      <div class="row small">
        <span class="soft">Account</span> <code data-testid="wallet-account">{account.accountId}</code>
        <CopyButton text={account.accountId} name="the account id" />
      </div>
      <History account={account} balance={wallet?.balanceMicrocredits} />
      <Statement account={account} />
      <Withdrawals account={account} />
      <div class="row">
        <button class="quiet" onClick={signOut}>
          Sign out
        </button>
        <span class="small soft">A guest cannot be signed in to again: credits that are left stay behind.</span>
      </div>
    </Drawer>
  );
}

function History({ account, balance }: { account: Account; balance: bigint | undefined }) {
  const [pages, setPages] = useState<ledger.Transfer[]>();
  const [next, setNext] = useState('');
  const [problem, setProblem] = useState<unknown>();
  const load = async (token: string) => {
    try {
      const { transfers, nextPageToken } = await ledger.transfers(account.api, token);
      setPages((last) => (token ? [...(last ?? []), ...transfers] : transfers));
      setNext(nextPageToken);
      setProblem(undefined);
    } catch (cause) {
      setProblem(cause);
    }
  };
  useEffect(() => void load(''), [account, balance]);
  return (
    <section aria-labelledby="history-title">
      <h3 id="history-title">History</h3>
      {problem !== undefined && <Problem cause={problem} onRetry={() => void load('')} />}
      {!pages && <p class="soft small">Loading …</p>}
      {pages?.length === 0 && <p class="soft small">Nothing yet. Watch a stream: who relays, earns.</p>}
      <ul class="entries" data-testid="history">
        {pages?.map((transfer) => {
          const isIn = transfer.creditAccountId === account.accountId;
          const amount = BigInt(transfer.amountMicrocredits);
          return (
            <li key={transfer.transferId}>
              <span>{codeName(transfer.code)}</span>
              <span class={isIn ? 'figure plus' : 'figure'}>{change(isIn ? amount : -amount)}</span>
              <span class="soft">{dateTime(transfer.bookedAt)}</span>
              <span class="soft figure" title={transfer.transferId}>
                {shortId(transfer.requestId)}
              </span>
            </li>
          );
        })}
      </ul>
      {next && (
        <button class="quiet" onClick={() => void load(next)}>
          Older ones
        </button>
      )}
    </section>
  );
}

function Statement({ account }: { account: Account }) {
  const [days, setDays] = useState('30');
  const [done, setDone] = useState<number>();
  const [problem, setProblem] = useState<unknown>();
  const [saved, setSaved] = useState('');
  const stopped = useRef(false);
  useEffect(() => () => void (stopped.current = true), []);

  const download = async () => {
    setProblem(undefined);
    setSaved('');
    setDone(0);
    try {
      const nowMs = Date.now();
      const { fromUnixMs, toUnixMs } = statementRange(days === '' ? undefined : Number(days), nowMs);
      const entries: ledger.StatementEntry[] = [];
      let opening: string | undefined;
      let token = '';
      do {
        const page = await ledger.statement(account.api, fromUnixMs, toUnixMs, token);
        opening ??= page.openingBalanceMicrocredits;
        entries.push(...page.entries);
        token = page.nextPageToken;
        setDone(entries.length);
      } while (token && !stopped.current);
      if (stopped.current) return;
      saveFile(`beacon-statement-${new Date(nowMs).toISOString().slice(0, 10)}.csv`, 'text/csv', statementCsv(opening ?? '0', entries));
      setSaved(`Saved, with ${entries.length} ${entries.length === 1 ? 'transfer' : 'transfers'}.`);
    } catch (cause) {
      setProblem(cause);
    } finally {
      setDone(undefined);
    }
  };

  return (
    <section class="form" aria-labelledby="statement-title">
      <h3 id="statement-title">Statement</h3>
      <div class="pair">
        <label class="field">
          Time
          <select value={days} onChange={(event) => setDays(event.currentTarget.value)}>
            <option value="7">the last 7 days</option>
            <option value="30">the last 30 days</option>
            <option value="365">the last year</option>
            <option value="">everything</option>
          </select>
        </label>
        <button class="quiet" data-testid="download-statement" disabled={done !== undefined} onClick={() => void download()}>
          <Icon name="download" /> Download CSV
        </button>
      </div>
      {done !== undefined && (
        <p class="small" role="status">
          <progress aria-label="Statement" /> {done} transfers so far …
        </p>
      )}
      {saved && (
        <p class="small soft" role="status" data-testid="statement-saved">
          {saved}
        </p>
      )}
      {problem !== undefined && <Problem cause={problem} onRetry={() => void download()} />}
    </section>
  );
}

const WITHDRAWAL_STATES: Record<string, [name: string, kind: string]> = {
  WITHDRAWAL_STATE_PENDING: ['waits for an operator', 'warn'],
  WITHDRAWAL_STATE_POSTED: ['paid out', 'good'],
  WITHDRAWAL_STATE_VOIDED: ['refused', 'bad'],
  WITHDRAWAL_STATE_EXPIRED: ['expired', ''],
};

function Withdrawals({ account }: { account: Account }) {
  const { refresh } = useWallet();
  const [amount, setAmount] = useState('');
  const [asked, setAsked] = useState(0);
  const { busy, problem, fail, run } = useWork();
  const once = useOnce();
  const { value, again } = usePolled(() => ledger.withdrawals(account.api), 15_000, account.accountId);

  const ask = () => {
    const value = microcredits(amount);
    if (value === undefined) return fail('Give an amount in credits, with at most six decimals.');
    void run(async () => {
      await once(String(value), (id) => ledger.withdraw(account.api, id, value));
      setAmount('');
      // A new field, which nobody has left empty yet.
      setAsked((last) => last + 1);
      refresh();
      again();
    });
  };

  return (
    <section class="form" aria-labelledby="withdraw-title">
      <h3 id="withdraw-title">Withdraw</h3>
      <form
        class="pair"
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <label class="field">
          Credits
          <input
            key={asked}
            data-testid="withdraw-amount"
            inputMode="decimal"
            required
            value={amount}
            onInput={(event) => setAmount(event.currentTarget.value)}
          />
        </label>
        <button class="quiet" data-testid="withdraw" disabled={busy}>
          Ask for a payout
        </button>
      </form>
      {problem !== undefined && <Problem cause={problem} />}
      <ul class="entries" data-testid="withdrawals">
        {value?.withdrawals.map((withdrawal) => {
          const [name, kind] = WITHDRAWAL_STATES[withdrawal.state] ?? [withdrawal.state, ''];
          return (
            <li key={withdrawal.withdrawalId}>
              <span>{credits(BigInt(withdrawal.amountMicrocredits))} credits</span>
              <span class={`badge ${kind}`}>{name}</span>
              <span class="soft">{dateTime(withdrawal.requestedAt)}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
