import { BeaconApi } from 'beacon-client';
import { useMemo } from 'preact/hooks';
import { useSession } from '../../app/session';
import { useTitle } from '../../hooks';
import { LedgerDesk } from './LedgerDesk';
import './operator.css';
import { Overview } from './Overview';
import { StreamDesk } from './StreamDesk';
import { StreamTable } from './StreamTable';

/** What an operator wants to see, and may do: all streams, one of them with its tree, and the ledger. */
export function OperatorPage({ streamId }: { streamId: string }) {
  useTitle('Operator');
  const { account } = useSession();
  const api = useMemo(() => account?.api ?? new BeaconApi(location.origin), [account]);
  if (streamId) return <StreamDesk key={streamId} api={api} streamId={streamId} />;
  return (
    <section class="page" aria-labelledby="operator-title">
      <h1 id="operator-title">Operator</h1>
      <Overview />
      <StreamTable />
      <LedgerDesk />
    </section>
  );
}
