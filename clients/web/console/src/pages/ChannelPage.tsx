import { BeaconApi, BeaconError } from 'beacon-client';
import { useEffect } from 'preact/hooks';
import { usePolled } from '../hooks';
import { navigate } from '../router';

const api = new BeaconApi(location.origin);

interface Props {
  channel: string;
}

/** A channel's permanent address: leads to its live stream, or where it sends its visitors. */
export function ChannelPage({ channel }: Props) {
  const { value } = usePolled(() => view(channel), 5000, channel);
  const { value: raids } = usePolled(() => api.raids(channel), 15_000, channel);
  const onward = value?.live ?? value?.host;

  useEffect(() => {
    if (onward) navigate(`/watch/${onward.streamId}${value?.live ? '' : `?host-of=${encodeURIComponent(channel)}`}`);
  }, [onward?.streamId]);

  return (
    <section class="card" aria-labelledby="channel-title">
      <h1 id="channel-title">{channel}</h1>
      <p role="status" data-testid="channel-state">
        {!value ? 'Looking …' : value.unknown ? 'Nobody knows this channel.' : onward ? `On to “${onward.title}” …` : 'Offline. This page follows when it goes live.'}
      </p>
      <ul data-testid="raids">
        {raids?.map((raid) => (
          <li key={raid.raidId}>
            {raid.fromChannel} → {raid.targets?.map((target) => target.channel).join(', ') || 'nobody'}: {raid.phase.replace('RAID_PHASE_', '').toLowerCase()},{' '}
            {raid.viewers ?? 0} viewers, {raid.declined ?? 0} stayed behind
          </li>
        ))}
      </ul>
    </section>
  );
}

async function view(channel: string) {
  try {
    return { unknown: false, ...(await api.channel(channel)) };
  } catch (cause) {
    if (BeaconError.from(cause).reason === 'unknown_channel') return { unknown: true, live: undefined, host: undefined };
    throw cause;
  }
}
