import type { BeaconApi, RaidSummary } from 'beacon-client';
import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../../design/Icon';
import { count } from '../../format';
import { usePolled } from '../../hooks';
import { RaidCountdown } from '../../parts/RaidCountdown';

/** How the choice "no raid" is named to the server. */
const NO_RAID = 'none';

const PHASES_UNDER_WAY = new Set(['RAID_PHASE_PROPOSED', 'RAID_PHASE_COUNTDOWN']);

interface Props {
  api: BeaconApi;
  streamId: string;
  channel: string;
  viewers: number;
  onEnd: (raidTarget: string) => void;
  onProblem: (cause: unknown) => void;
}

/** The end of a stream: at once or after a countdown, and where the viewers go. */
export function RaidForm({ api, streamId, channel, viewers, onEnd, onProblem }: Props) {
  const [target, setTarget] = useState('');
  const [seconds, setSeconds] = useState(90);
  const [raid, setRaid] = useState<RaidSummary>();
  const { value: streams } = usePolled(() => api.streams(), 5000, 'streams');
  const { value: raids } = usePolled(() => api.raids(channel), 2000, channel);

  // Also a raid that this page did not start, or lost sight of when it was loaded anew.
  useEffect(() => {
    const known = raids?.find(({ fromStreamId }) => fromStreamId === streamId);
    if (known) setRaid(known);
  }, [raids]);

  const attempt = async (run: () => Promise<RaidSummary>) => {
    try {
      onProblem(undefined);
      setRaid(await run());
    } catch (cause) {
      onProblem(cause);
    }
  };

  const others = (streams ?? []).filter((stream) => stream.streamId !== streamId);
  if (raid && PHASES_UNDER_WAY.has(raid.phase)) {
    return (
      <>
        <RaidCountdown
          title={raid.targets?.[0]?.title ?? '…'}
          channel={raid.targets?.[0]?.channel ?? ''}
          viewers={raid.viewers ?? 0}
          movesAt={performance.now() + Date.parse(raid.movesAt) - Date.now()}
          action="Cancel the raid"
          testId="cancel-raid"
          onAction={() => void attempt(() => api.cancelRaid(raid.raidId))}
        />
        {raid.declined ? <p class="soft small">{count(raid.declined, 'viewer')} stay behind.</p> : null}
      </>
    );
  }

  const chosen = others.find((stream) => stream.streamId === target);
  return (
    <section class="card" aria-labelledby="finish-title">
      <h2 id="finish-title">Finish</h2>
      <div class="pair">
        <label class="field">
          Your viewers go to
          <select data-testid="raid-target" value={target} onChange={(event) => setTarget(event.currentTarget.value)}>
            <option value="">a stream drawn at random, small ones first</option>
            <option value={NO_RAID}>nowhere</option>
            {others.map((stream) => (
              <option key={stream.streamId} value={stream.streamId}>
                {stream.title} ({stream.channel}, {count(stream.viewers ?? 0, 'viewer')})
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          Countdown in seconds
          <input data-testid="raid-countdown" type="number" min={0} max={300} value={seconds} onInput={(event) => setSeconds(event.currentTarget.valueAsNumber || 0)} />
        </label>
      </div>
      {chosen && (
        <p class="small soft" data-testid="raid-target-room">
          {chosen.channel} has room for {chosen.spareSlots.toLocaleString('en')} now, you have {count(viewers, 'viewer')}.
          {chosen.spareSlots < viewers ? ' Newcomers bring places of their own; if they are too few, the audience is split.' : ''}
        </p>
      )}
      <div class="row">
        <button data-testid="start-raid" disabled={target === NO_RAID} onClick={() => void attempt(() => api.startRaid(streamId, target, seconds))}>
          <Icon name="raid" /> Raid
        </button>
        <button class="danger" data-testid="end-stream" onClick={() => onEnd(target)}>
          End stream now
        </button>
      </div>
    </section>
  );
}
