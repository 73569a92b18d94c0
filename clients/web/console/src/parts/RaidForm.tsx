import { BeaconError, type BeaconApi, type RaidSummary } from 'beacon-client';
import { useEffect, useState } from 'preact/hooks';
import { usePolled } from '../hooks';
import { RaidCountdown } from './RaidCountdown';

/** How the choice "no raid" is named to the server. */
const NO_RAID = 'none';

const PHASES_UNDER_WAY = new Set(['RAID_PHASE_PROPOSED', 'RAID_PHASE_COUNTDOWN']);

interface Props {
  api: BeaconApi;
  streamId: string;
  channel: string;
  onEnd: (raidTarget: string) => void;
  onProblem: (message: string) => void;
}

/** The end of a stream: at once or after a countdown, and where the viewers go. */
export function RaidForm({ api, streamId, channel, onEnd, onProblem }: Props) {
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
      onProblem('');
      setRaid(await run());
    } catch (cause) {
      onProblem(BeaconError.from(cause).message);
    }
  };

  const others = (streams ?? []).filter((stream) => stream.streamId !== streamId);
  if (raid && PHASES_UNDER_WAY.has(raid.phase)) {
    return (
      <>
        <RaidCountdown
          title={raid.targets?.[0]?.title ?? '…'}
          movesAt={performance.now() + Date.parse(raid.movesAt) - Date.now()}
          action="Cancel the raid"
          testId="cancel-raid"
          onAction={() => void attempt(() => api.cancelRaid(raid.raidId))}
        />
        {raid.declined ? <p class="muted">{raid.declined} stay behind.</p> : null}
      </>
    );
  }

  return (
    <div class="row">
      <label>
        Viewers go to
        <select data-testid="raid-target" value={target} onChange={(event) => setTarget(event.currentTarget.value)}>
          <option value="">a stream drawn at random</option>
          <option value={NO_RAID}>nowhere</option>
          {others.map((stream) => (
            <option key={stream.streamId} value={stream.streamId}>
              {stream.title} ({stream.channel})
            </option>
          ))}
        </select>
      </label>
      <label>
        Countdown in seconds
        <input
          data-testid="raid-countdown"
          type="number"
          min={0}
          max={300}
          value={seconds}
          onInput={(event) => setSeconds(event.currentTarget.valueAsNumber || 0)}
        />
      </label>
      <button data-testid="start-raid" disabled={target === NO_RAID} onClick={() => void attempt(() => api.startRaid(streamId, target, seconds))}>
        Raid
      </button>
      <button class="danger" data-testid="end-stream" onClick={() => onEnd(target)}>
        End stream
      </button>
    </div>
  );
}
