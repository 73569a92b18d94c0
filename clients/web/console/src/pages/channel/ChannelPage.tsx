import { BeaconApi, BeaconError, type RaidSummary } from 'beacon-client';
import { useEffect } from 'preact/hooks';
import { navigate } from '../../app/router';
import { useSession } from '../../app/session';
import { Avatar } from '../../design/Avatar';
import { count, dateTime } from '../../format';
import { usePolled, useTitle } from '../../hooks';
import { CopyButton } from '../../parts/CopyButton';
import { Problem } from '../../parts/Problem';
import { channelRaids } from '../../rest/streams';
import { StreamCard } from '../streams/StreamCard';
import '../streams/streams.css';
import './channel.css';
import { ChannelSettingsForm } from './ChannelSettingsForm';

const api = new BeaconApi(location.origin);

interface Props {
  channel: string;
  query: URLSearchParams;
}

/**
 * A channel's permanent address: leads to its live stream, or where it sends its visitors. With `?about` in the address it stays, and tells of the
 * channel.
 */
export function ChannelPage({ channel, query }: Props) {
  const { account } = useSession();
  const isAbout = query.has('about');
  const { value, problem, again } = usePolled(() => view(channel), 5000, channel);
  const { value: raids } = usePolled(() => channelRaids(api, channel), 15_000, channel);
  const onward = value?.live ?? value?.host;
  const isOwn = account?.channel === channel;
  useTitle(channel);

  useEffect(() => {
    if (onward && !isAbout) navigate(`/watch/${onward.streamId}${value?.live ? '' : `?host-of=${encodeURIComponent(channel)}`}`);
  }, [onward?.streamId, isAbout]);

  const state = () => {
    if (!value) return problem === undefined ? 'Looking …' : '';
    if (value.unknown) return isOwn ? 'You were not live yet.' : 'Nobody knows this channel.';
    if (value.live) return isAbout ? 'Live now.' : `On to “${value.live.title}” …`;
    if (value.host) return isAbout ? `Offline. Visitors are sent to “${value.host.title}”.` : `On to “${value.host.title}” …`;
    return isAbout ? 'Offline.' : 'Offline. This page follows when it goes live.';
  };

  return (
    <section class="page" aria-labelledby="channel-title">
      <header class="channel-head">
        <Avatar of={channel} name={channel} />
        <div>
          <h1 id="channel-title">{channel}</h1>
          <p role="status" class="soft" data-testid="channel-state">
            {state()}
          </p>
        </div>
        <span class="row">
          <span class="small soft">Its address</span>
          <CopyButton text={`${location.origin}/channel/${encodeURIComponent(channel)}`} name="the address of this channel" />
        </span>
      </header>
      {problem !== undefined && <Problem cause={problem} onRetry={again} />}
      {onward && (
        <ul class="streams channel-live">
          <StreamCard stream={onward} account={account} nowMs={Date.now()} onTag={(tag) => navigate(`/?tag=${encodeURIComponent(tag)}`)} />
        </ul>
      )}
      {isOwn && <ChannelSettingsForm api={account.api} channel={channel} />}
      <section class="card" aria-labelledby="raids-title">
        <h2 id="raids-title">Raids</h2>
        {raids?.length === 0 && <p class="soft small">None yet.</p>}
        <ul data-testid="raids" class="raids">
          {raids?.map((raid) => (
            <li key={raid.raidId}>
              <span>
                {raid.fromChannel === channel ? 'to ' : 'from '}
                <Channels raid={raid} channel={channel} />
              </span>
              <span class="small soft">
                {count(raid.viewers ?? 0, 'viewer')}
                {raid.declined ? `, ${raid.declined} stayed behind` : ''}, {dateTime(raid.movesAt)}
              </span>
              <span class={`badge ${PHASES[raid.phase]?.[1] ?? ''}`}>{PHASES[raid.phase]?.[0] ?? raid.phase}</span>
            </li>
          ))}
        </ul>
      </section>
    </section>
  );
}

const PHASES: Record<string, [name: string, kind: string]> = {
  RAID_PHASE_PROPOSED: ['announced', 'warn'],
  RAID_PHASE_COUNTDOWN: ['counts down', 'warn'],
  RAID_PHASE_MOVING: ['moving', 'warn'],
  RAID_PHASE_DONE: ['done', 'good'],
  RAID_PHASE_CANCELLED: ['cancelled', ''],
  RAID_PHASE_FAILED: ['failed', 'bad'],
};

function Channels({ raid, channel }: { raid: RaidSummary; channel: string }) {
  const names = raid.fromChannel === channel ? (raid.targets ?? []).map((target) => target.channel) : [raid.fromChannel];
  if (names.length === 0) return <>nobody</>;
  return (
    <>
      {names.map((name, index) => (
        <span key={name}>
          {index > 0 && ', '}
          <a href={`/channel/${encodeURIComponent(name)}?about=1`}>{name}</a>
        </span>
      ))}
    </>
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
