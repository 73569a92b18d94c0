import { BeaconError, canvasSink, type BeaconApi, type ComingRaid, type StreamSummary, type Watch, type WatchEvents } from 'beacon-client';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '../account';
import { bytes, credits, shortId } from '../format';
import { useHeartbeat } from '../hooks';
import { Facts } from '../parts/Facts';
import { RaidCountdown } from '../parts/RaidCountdown';
import { TipForm } from '../parts/TipForm';
import { BreakRecorder, exposeWatch, hide } from '../probe';

interface Props {
  account: Account;
  streamId: string;
  query: URLSearchParams;
}

export function WatchPage({ account, streamId, query }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const running = useRef<Watch>(undefined);
  const balanceNow = useRef<bigint>(undefined);
  const [watch, setWatch] = useState<Watch>();
  const [balance, setBalance] = useState<bigint>();
  const [title, setTitle] = useState('');
  const [problem, setProblem] = useState('');
  const [notice, setNotice] = useState('');
  const [coming, setComing] = useState<ComingRaid>();
  const [host, setHost] = useState<StreamSummary>();
  const [started, setStarted] = useState(query.get('autostart') !== '0');
  const [audible, setAudible] = useState(false);

  const showBalance = (value: bigint) => {
    balanceNow.current = value;
    setBalance(value);
  };

  useEffect(() => {
    account.client.api.wallet().then(
      ({ balanceMicrocredits }) => showBalance(balanceMicrocredits),
      () => undefined,
    );
    return account.client.on('wallet', ({ balanceMicrocredits }) => showBalance(balanceMicrocredits));
  }, []);

  useEffect(() => {
    if (!started) return;
    let left = false;
    const uplinkMbps = Number(query.get('uplink') ?? 5);
    const join = async () => {
      try {
        const video = new BreakRecorder(canvasSink(canvas.current!));
        const joined = await account.client.watch({ streamId, video, uplinkMbps });
        if (left) return joined.stop();
        joined.on('error', (error) => setProblem(error.message));
        joined.on('ended', () => {
          setNotice('The stream is over.');
          void hostOf(account.client.api, joined.stats().channel).then(setHost);
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
        if (!left) setProblem(BeaconError.from(cause).message);
      }
    };
    void join();
    return () => {
      left = true;
      running.current?.stop();
      running.current = undefined;
      setWatch(undefined);
      hide();
    };
  }, [streamId, started]);

  const toggleSound = async () => {
    const audio = running.current?.audio;
    if (!audio) return;
    if (audible) audio.muted = true;
    else {
      audio.muted = false;
      await audio.resume();
    }
    setAudible(audio.audible);
  };

  return (
    <section aria-labelledby="watch-title">
      <h1 id="watch-title" data-testid="stream-title">
        {title || 'Watch'}
      </h1>
      {problem && (
        <p class="error" role="alert" data-testid="error">
          {problem}
        </p>
      )}
      {notice && (
        <p class="notice" role="status" data-testid="notice">
          {notice}
        </p>
      )}
      {host && (
        <p class="notice" role="status">
          This channel sends its visitors to{' '}
          <a href={`/watch/${host.streamId}`} data-testid="host">
            “{host.title}”
          </a>
          .
        </p>
      )}
      {coming && <RaidCountdown title={coming.targetTitle} movesAt={coming.movesAt} action="Stay here" testId="decline-raid" onAction={() => watch?.decline()} />}
      <div class="columns">
        <div>
          <canvas ref={canvas} class="picture" width={640} height={360} data-testid="picture" role="img" aria-label="The stream's picture" />
          <div class="row">
            {!started && (
              <button data-testid="watch-button" onClick={() => setStarted(true)}>
                Watch
              </button>
            )}
            <button data-testid="sound" aria-pressed={audible} disabled={!watch} onClick={() => void toggleSound()}>
              {audible ? 'Sound off' : 'Sound on'}
            </button>
          </div>
          {watch && <TipForm client={account.client} streamId={watch.streamId} onBalance={showBalance} />}
        </div>
        {watch && <Mesh watch={watch} balance={balance} />}
      </div>
    </section>
  );
}

function Mesh({ watch, balance }: { watch: Watch; balance: bigint | undefined }) {
  useHeartbeat(500);
  const stats = watch.stats();
  const parent = stats.parents.find(({ stripe }) => stripe === 0);
  return (
    <aside class="card">
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
    </aside>
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
