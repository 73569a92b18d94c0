import { canvasSink, type BeaconApi, type ComingRaid, type StreamSummary, type Watch, type WatchEvents } from 'beacon-client';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '../../app/account';
import { Avatar } from '../../design/Avatar';
import { Icon } from '../../design/Icon';
import { bytes, count, credits, shortId, since } from '../../format';
import { useHeartbeat, usePolled, useTitle } from '../../hooks';
import { CopyButton } from '../../parts/CopyButton';
import { Facts } from '../../parts/Facts';
import { Problem } from '../../parts/Problem';
import { RaidCountdown } from '../../parts/RaidCountdown';
import { useWallet } from '../../parts/wallet/useWallet';
import { BreakRecorder, exposeWatch, hide } from '../../probe';
import { squad as askSquad } from '../../rest/ledger';
import { liveStream } from '../../rest/streams';
import { keepPoster } from '../streams/poster';
import { Player } from './Player';
import { TipForm } from './TipForm';
import './watch.css';

const POSTER_MS = 15_000;

interface Props {
  account: Account;
  streamId: string;
  query: URLSearchParams;
}

export function WatchPage({ account, streamId, query }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const running = useRef<Watch>(undefined);
  const { wallet } = useWallet();
  const balanceNow = useRef<bigint>(undefined);
  balanceNow.current = wallet?.balanceMicrocredits;
  const [watch, setWatch] = useState<Watch>();
  const [title, setTitle] = useState('');
  const [problem, setProblem] = useState<unknown>();
  const [notice, setNotice] = useState('');
  const [coming, setComing] = useState<ComingRaid>();
  const [host, setHost] = useState<StreamSummary>();
  const [started, setStarted] = useState(query.get('autostart') !== '0');
  const [attempt, setAttempt] = useState(0);
  const [relayOnly, setRelayOnly] = useState(query.get('relayOnly') === '1');
  useTitle(title || 'Watch');

  useEffect(() => {
    if (!started) return;
    let left = false;
    const uplink = query.get('uplink');
    const uplinkMbps = uplink === null ? undefined : Number(uplink);
    const join = async () => {
      setProblem(undefined);
      try {
        const video = new BreakRecorder(canvasSink(canvas.current!));
        const joined = await account.client.watch({ streamId, video, uplinkMbps, relayOnly });
        if (left) return joined.stop();
        joined.on('error', (error) => setProblem(error));
        joined.on('ended', () => {
          setNotice('The stream is over.');
          void hostOf(account.api, joined.stats().channel).then(setHost);
        });
        joined.on('raid', ({ phase, targetTitle }) => {
          setComing(joined.coming);
          setHost(undefined);
          setNotice(raidNotice(phase, targetTitle));
        });
        joined.on('waiting', ({ position }) => setNotice(`All slots are taken. Your place in the queue: ${position}.`));
        joined.on('playing', (now) => {
          if (now.streamId === streamId) setNotice('');
        });
        joined.on('change', () => setTitle(joined.stats().title));
        setTitle(joined.stats().title);
        running.current = joined;
        setWatch(joined);
        exposeWatch(account.client, joined, canvas.current!, video, () => balanceNow.current);
      } catch (cause) {
        if (!left) setProblem(cause);
      }
    };
    void join();
    const poster = setInterval(() => {
      const now = running.current;
      if (now?.state === 'playing' && canvas.current) keepPoster(now.streamId, canvas.current);
    }, POSTER_MS);
    return () => {
      left = true;
      clearInterval(poster);
      running.current?.stop();
      running.current = undefined;
      setWatch(undefined);
      hide();
    };
  }, [streamId, started, attempt, relayOnly]);

  return (
    <section class="page" aria-labelledby="watch-title">
      {problem !== undefined && <Problem cause={problem} {...(watch ? {} : { onRetry: () => setAttempt(attempt + 1) })} />}
      {notice && (
        <p class="notice" role="status" data-testid="notice">
          {notice}
        </p>
      )}
      {host && (
        <p class="notice" role="status">
          <span>
            This channel sends its visitors to{' '}
            <a href={`/watch/${host.streamId}`} data-testid="host">
              “{host.title}”
            </a>
            .
          </span>
        </p>
      )}
      {coming && (
        <RaidCountdown
          title={coming.targetTitle}
          channel={coming.targetChannel}
          viewers={coming.viewers}
          movesAt={coming.movesAt}
          action="Stay here"
          testId="decline-raid"
          onAction={() => watch?.decline()}
        />
      )}
      <div class="columns">
        <div>
          <Player canvas={canvas} watch={watch} onStart={started ? undefined : () => setStarted(true)} title={title} relayOnly={relayOnly} onRelayOnly={setRelayOnly} />
          {query.has('squad') && <Invitation api={account.api} streamId={watch?.streamId ?? streamId} accountId={account.accountId} />}
          <StreamHead api={account.api} streamId={watch?.streamId ?? streamId} title={title} />
          {watch && <RelayStrip watch={watch} />}
        </div>
        <div>
          {watch && <TipForm api={account.api} streamId={watch.streamId} />}
          {watch && <Place watch={watch} balance={wallet?.balanceMicrocredits} />}
        </div>
      </div>
    </section>
  );
}

/** To share the revenue of the stream: what the broadcaster has to know, and whether it has come about. */
function Invitation({ api, streamId, accountId }: { api: BeaconApi; streamId: string; accountId: string }) {
  const { value } = usePolled(() => askSquad(api, streamId), 5000, streamId);
  const share = value?.members.find((member) => member.accountId === accountId)?.shareBps;
  if (share !== undefined) {
    return (
      <p class="notice good" role="status" data-testid="squad-share">
        You are in the squad: {share / 100} % of what this stream gets is yours.
      </p>
    );
  }
  return (
    <div class="notice" role="status" data-testid="squad-invitation">
      <p>You are invited to the squad of this stream. Send the broadcaster your account id; this page tells when you are in.</p>
      <CopyButton text={accountId} name="your account id" label="Copy my account id" />
    </div>
  );
}

/** What is watched, and whose it is. */
function StreamHead({ api, streamId, title }: { api: BeaconApi; streamId: string; title: string }) {
  const { value: stream } = usePolled(() => liveStream(api, streamId), 5000, streamId);
  return (
    <header class="stream-head">
      {stream && <Avatar of={stream.channel} name={stream.channel} />}
      <div>
        <h1 id="watch-title" data-testid="stream-title">
          {title || stream?.title || 'Watch'}
        </h1>
        {stream && (
          <p class="soft small">
            <a href={`/channel/${encodeURIComponent(stream.channel)}?about=1`}>{stream.channel}</a> · {count(stream.viewers, 'viewer')} · live for {since(stream.startedAt, Date.now())}
          </p>
        )}
      </div>
      <span class="row">
        <span class="small soft">Share</span>
        <CopyButton text={`${location.origin}/watch/${streamId}`} name="the address of this stream" />
      </span>
    </header>
  );
}

/** What this viewer does for the others, and what it brought. */
function RelayStrip({ watch }: { watch: Watch }) {
  useHeartbeat(1000);
  const { earnedHere } = useWallet();
  const { childPeerIds, bytesRelayed } = watch.stats();
  const isRelaying = childPeerIds.length > 0;
  return (
    <p class={isRelaying ? 'relay-strip busy' : 'relay-strip'} data-testid="relay-strip">
      <Icon name="relay" />
      <span>
        {isRelaying ? (
          <>
            You are relaying to <strong>{count(childPeerIds.length, 'viewer')}</strong>
          </>
        ) : (
          'Nobody needs you as a relay at the moment'
        )}
        {' · '}
        <span class="soft">{bytes(bytesRelayed)} passed on</span>
      </span>
      <span class="badge credit">earned {credits(earnedHere, 4)} credits</span>
    </p>
  );
}

/** Where this viewer stands in the tree. */
function Place({ watch, balance }: { watch: Watch; balance: bigint | undefined }) {
  useHeartbeat(500);
  const stats = watch.stats();
  const parent = stats.parents.find(({ stripe }) => stripe === 0);
  return (
    <section class="card" aria-labelledby="place-title">
      <h2 id="place-title">Your place in the tree</h2>
      <Facts
        facts={[
          { name: 'State', testId: 'state', value: watch.state },
          { name: 'Me', testId: 'peer-id', value: <code title={stats.peerId}>{shortId(stats.peerId)}</code> },
          {
            name: 'My parent',
            testId: 'parent-peer-id',
            value: <code title={parent?.parentPeerId ?? ''}>{shortId(parent?.parentPeerId)}</code>,
          },
          { name: 'My standby', testId: 'standby-peer-id', value: <code>{shortId(parent?.standbyPeerId)}</code> },
          { name: 'Depth', testId: 'depth', value: parent?.depth ?? '–' },
          {
            name: 'My children',
            testId: 'children',
            value: stats.childPeerIds.length ? stats.childPeerIds.map((id) => <code key={id}>{shortId(id)} </code>) : 'none',
          },
          { name: 'Received', testId: 'bytes-received', value: bytes(stats.bytesReceived) },
          { name: 'Relayed', testId: 'bytes-relayed', value: bytes(stats.bytesRelayed) },
          { name: 'Latency', testId: 'latency', value: stats.framesDecoded ? `${Math.round(stats.latencyMs)} ms` : '–' },
          { name: 'Wallet', testId: 'balance', value: balance === undefined ? '–' : `${credits(balance)} credits` },
        ]}
      />
      <p class="small soft">The video comes from another viewer, not from a server. Whoever watches passes it on, and is paid for what arrives.</p>
    </section>
  );
}

/** Where an offline channel sends its visitors, if anywhere. */
async function hostOf(api: BeaconApi, channel: string): Promise<StreamSummary | undefined> {
  try {
    return channel ? (await api.channel(channel)).host : undefined;
  } catch {
    return undefined;
  }
}

function raidNotice(phase: WatchEvents['raid']['phase'], title: string): string {
  switch (phase) {
    case 'announced':
      return '';
    case 'cancelled':
      return 'The raid is off.';
    case 'declined':
      return 'You stay here.';
    case 'started':
      return `The stream is over. On to “${title}” …`;
    case 'playing':
      return `You came along to “${title}”.`;
    case 'failed':
      return 'The stream is over.';
  }
}
