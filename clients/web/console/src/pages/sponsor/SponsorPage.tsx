import { useState } from 'preact/hooks';
import type { Account } from '../../app/account';
import { credits, since } from '../../format';
import { usePolled, useTitle } from '../../hooks';
import { Problem } from '../../parts/Problem';
import { sponsorships as askSponsorships, type Sponsorship } from '../../rest/ledger';
import { Deliveries } from './Deliveries';
import { spentShare } from './estimate';
import { NewSponsorship } from './NewSponsorship';
import './sponsor.css';

const STATES: Record<string, [name: string, kind: string]> = {
  SPONSORSHIP_STATE_ACTIVE: ['runs', 'good'],
  SPONSORSHIP_STATE_SPENT: ['spent', ''],
  SPONSORSHIP_STATE_ENDED: ['ended', ''],
};

/** Sponsor a stream, and see what the money does. */
export function SponsorPage({ account, query }: { account: Account; query: URLSearchParams }) {
  useTitle('Sponsor');
  const [selected, setSelected] = useState('');
  const { value, problem, again } = usePolled(() => askSponsorships(account.api), 5000, account.accountId);
  const { value: streams } = usePolled(() => account.api.streams(), 15_000, 'streams');
  const sponsorships = value?.sponsorships;
  const chosen = sponsorships?.find(({ sponsorshipId }) => sponsorshipId === selected);
  return (
    <section class="page" aria-labelledby="sponsor-title">
      <div>
        <h1 id="sponsor-title">Sponsor</h1>
        <p class="soft">
          Your credits lie in escrow and go out for each minute that a viewer verifiably watched: to the broadcaster and squad, and to the viewers who relay. What is not spent comes back.
        </p>
      </div>
      {problem !== undefined && <Problem cause={problem} onRetry={again} />}
      <div class="columns">
        <div>
          <section class="card" aria-labelledby="mine-title">
            <h2 id="mine-title">Your sponsorships</h2>
            {!sponsorships && problem === undefined && <p class="soft small">Loading …</p>}
            {sponsorships?.length === 0 && <p class="soft small">None yet. Choose a stream and fund it.</p>}
            <ul class="sponsorships" data-testid="sponsorships">
              {sponsorships?.map((sponsorship) => (
                <Row key={sponsorship.sponsorshipId} sponsorship={sponsorship} title={streams?.find(({ streamId }) => streamId === sponsorship.streamId)?.title} isSelected={sponsorship.sponsorshipId === selected} onSelect={setSelected} />
              ))}
            </ul>
          </section>
          {chosen && <Deliveries key={chosen.sponsorshipId} account={account} sponsorship={chosen} onChange={again} />}
        </div>
        <div>
          <NewSponsorship
            account={account}
            streamId={query.get('stream') ?? ''}
            onCreated={(sponsorship) => {
              setSelected(sponsorship.sponsorshipId);
              again();
            }}
          />
        </div>
      </div>
    </section>
  );
}

interface RowProps {
  sponsorship: Sponsorship;
  /** Of its stream, while that is live. */
  title: string | undefined;
  isSelected: boolean;
  onSelect: (id: string) => void;
}

function Row({ sponsorship, title, isSelected, onSelect }: RowProps) {
  const { sponsorshipId, streamId, budgetMicrocredits, spentMicrocredits, state, createdAt } = sponsorship;
  const [name, kind] = STATES[state] ?? [state, ''];
  const share = spentShare(spentMicrocredits, budgetMicrocredits);
  return (
    <li>
      <button class="quiet sponsorship" aria-pressed={isSelected} data-testid="sponsorship" onClick={() => onSelect(sponsorshipId)}>
        <span class="row">
          {title ? <strong>{title}</strong> : <code title={streamId}>{streamId.slice(-12)}</code>}
          <span class={`badge ${kind}`}>{name}</span>
          <span class="push small soft">{since(createdAt, Date.now())} ago</span>
        </span>
        <progress value={share} max={1} aria-label="Spent" />
        <span class="small">
          {credits(BigInt(spentMicrocredits), 4)} of {credits(BigInt(budgetMicrocredits), 2)} credits spent
        </span>
      </button>
    </li>
  );
}
