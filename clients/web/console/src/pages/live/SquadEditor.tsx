import type { BeaconApi } from 'beacon-client';
import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../../design/Icon';
import { useWork } from '../../hooks';
import { CopyButton } from '../../parts/CopyButton';
import { Problem } from '../../parts/Problem';
import { setSquad, squad as askSquad } from '../../rest/ledger';
import { membersOf, MOST_PARTNERS, partnersOf, restPercent, type Partner } from './squad';

interface Props {
  api: BeaconApi;
  streamId: string;
  broadcasterAccountId: string;
}

/** Who shares the revenue of the stream, from the next tip on. */
export function SquadEditor({ api, streamId, broadcasterAccountId }: Props) {
  const [partners, setPartners] = useState<Partner[]>();
  const { busy, problem, fail, run } = useWork();
  const [saved, setSaved] = useState(false);

  const load = () => {
    fail(undefined);
    askSquad(api, streamId).then(({ members }) => setPartners(partnersOf(broadcasterAccountId, members)), fail);
  };
  useEffect(load, [streamId]);

  const edit = (index: number, change: Partial<Partner>) => {
    setSaved(false);
    setPartners(partners?.map((partner, at) => (at === index ? { ...partner, ...change } : partner)));
  };

  const save = () => {
    const members = membersOf(broadcasterAccountId, partners ?? []);
    if (typeof members === 'string') return fail(members);
    void run(async () => {
      await setSquad(api, streamId, members);
      setSaved(true);
    });
  };

  return (
    <form
      class="card form"
      aria-labelledby="squad-title"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <div class="page-head">
        <h2 id="squad-title">Squad</h2>
        {partners && <span class="badge credit">you keep {restPercent(partners)} %</span>}
      </div>
      <div class="row">
        <p class="small soft">Tips and sponsorships are split among you. An invitation shows its reader the account id that you need.</p>
        <CopyButton text={`${location.origin}/watch/${streamId}?squad=1`} name="an invitation to the squad" label="Copy an invitation" />
      </div>
      {partners?.map((partner, index) => (
        <div class="partner" key={index}>
          <label class="field">
            Account id
            <input data-testid="squad-account" required placeholder="guest-…" value={partner.accountId} onInput={(event) => edit(index, { accountId: event.currentTarget.value })} />
          </label>
          <label class="field">
            Share in %
            <input data-testid="squad-share" required inputMode="decimal" value={partner.percent} onInput={(event) => edit(index, { percent: event.currentTarget.value })} />
          </label>
          <button class="quiet icon" type="button" aria-label="Take this one out" onClick={() => setPartners(partners.filter((_, at) => at !== index))}>
            <Icon name="close" />
          </button>
        </div>
      ))}
      <div class="row">
        <button
          class="quiet"
          type="button"
          data-testid="squad-invite"
          disabled={!partners || partners.length >= MOST_PARTNERS}
          onClick={() => setPartners([...(partners ?? []), { accountId: '', percent: '20' }])}
        >
          <Icon name="plus" /> Add somebody
        </button>
        <button data-testid="squad-save" disabled={!partners || busy}>
          {busy ? 'Saving …' : 'Save the squad'}
        </button>
        <span class="small soft" role="status" data-testid="squad-saved">
          {saved && 'Saved.'}
        </span>
      </div>
      {problem !== undefined && <Problem cause={problem} {...(partners ? {} : { onRetry: load })} />}
    </form>
  );
}
