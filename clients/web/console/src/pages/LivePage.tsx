import { BeaconError, createTestPattern, type Broadcast, type TestPattern } from 'beacon-client';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '../account';
import { bytes, credits } from '../format';
import { useHeartbeat, usePolled } from '../hooks';
import { forgetOnAir, lastOnAir, rememberOnAir } from '../onAir';
import { Facts } from '../parts/Facts';
import { RaidForm } from '../parts/RaidForm';
import { TreeView } from '../parts/TreeView';
import { exposeBroadcast, hide } from '../probe';

type SourceKind = 'camera' | 'screen' | 'pattern';

interface Source {
  stream: MediaStream;
  pattern?: TestPattern;
  stop: () => void;
}

interface Props {
  account: Account;
  query: URLSearchParams;
}

export function LivePage({ account, query }: Props) {
  const onAir = useRef(lastOnAir<Form>());
  const [form, setForm] = useState(() => onAir.current?.form ?? formOf(query, account.name));
  const [broadcast, setBroadcast] = useState<Broadcast>();
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [notice, setNotice] = useState('');
  const source = useRef<Source>(undefined);
  const running = useRef<Broadcast>(undefined);
  const left = useRef(false);
  const preview = useRef<HTMLVideoElement>(null);

  const release = () => {
    source.current?.stop();
    source.current = undefined;
  };

  /** Who goes to another page has ended the stream; only a lost tab may come back to it. */
  const finish = () => {
    const ending = running.current;
    if (ending) forgetOnAir();
    if (ending && ending.state !== 'ended') void ending.end().catch(() => ending.stop());
    release();
  };

  const start = async () => {
    setBusy(true);
    setProblem('');
    try {
      source.current = await openSource(form);
      const started = await account.client.broadcast({
        source: source.current.stream,
        title: form.title,
        bitrateKbps: form.bitrateKbps,
        maxChildren: form.maxChildren,
        uplinkMbps: form.uplinkMbps,
        resumeTicket: onAir.current?.resumeTicket ?? '',
      });
      const remember = () => rememberOnAir({ resumeTicket: started.resumeTicket, form });
      remember();
      // Each session brings a new ticket.
      started.on('state', (state) => state === 'live' && remember());
      started.on('error', (error) => setProblem(error.message));
      started.on('ended', ({ reason }) => {
        forgetOnAir();
        setNotice(`The stream is over (${reason}).`);
      });
      running.current = started;
      if (left.current) return finish();
      setBroadcast(started);
      const { pattern } = source.current;
      exposeBroadcast(account.client, started, () => pattern?.frameNumber());
    } catch (cause) {
      release();
      setProblem(BeaconError.from(cause).message);
    } finally {
      setBusy(false);
    }
  };

  useEffect(() => {
    // A screen can only be chosen by a click.
    const goesOn = onAir.current && form.source !== 'screen';
    if (goesOn || query.get('autostart') === '1') void start();
    const stopListening = account.client.on('tip', ({ fromName, amountMicrocredits }) =>
      setNotice(`${fromName} gave ${credits(amountMicrocredits)} credits.`),
    );
    return () => {
      stopListening();
      left.current = true;
      finish();
      hide();
    };
  }, []);

  useEffect(() => {
    if (preview.current && source.current) preview.current.srcObject = source.current.stream;
  }, [broadcast]);

  const end = async (raidTarget: string) => {
    try {
      const { targetStreamId, viewers } = await broadcast!.end(raidTarget);
      setNotice(targetStreamId ? `The stream is over; ${viewers ?? 0} viewers were sent on.` : 'The stream is over.');
    } catch (cause) {
      setProblem(BeaconError.from(cause).message);
    }
  };

  return (
    <section aria-labelledby="live-title">
      <h1 id="live-title">Go live</h1>
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
      {broadcast ? (
        <div class="columns">
          <div>
            <video ref={preview} class="picture" autoplay muted playsInline aria-label="What you send" />
            <div class="row">
              <a href={`/watch/${broadcast.streamId}`} target="_blank" rel="noopener" data-testid="watch-link">
                Open the watch page
              </a>
            </div>
            {broadcast.state !== 'ended' && (
              <RaidForm
                api={account.client.api}
                streamId={broadcast.streamId}
                channel={broadcast.channel}
                onEnd={(raidTarget) => void end(raidTarget)}
                onProblem={setProblem}
              />
            )}
          </div>
          <OnAir broadcast={broadcast} account={account} />
        </div>
      ) : (
        <form
          class="card form"
          onSubmit={(event) => {
            event.preventDefault();
            void start();
          }}
        >
          <label>
            Title
            <input
              data-testid="title"
              required
              maxLength={120}
              value={form.title}
              onInput={(event) => setForm({ ...form, title: event.currentTarget.value })}
            />
          </label>
          <fieldset>
            <legend>Source</legend>
            {(['camera', 'screen', 'pattern'] as const).map((kind) => (
              <label class="choice" key={kind}>
                <input
                  type="radio"
                  name="source"
                  data-testid={`source-${kind}`}
                  checked={form.source === kind}
                  onChange={() => setForm({ ...form, source: kind })}
                />
                {{ camera: 'Camera', screen: 'Screen', pattern: 'Test pattern' }[kind]}
              </label>
            ))}
          </fieldset>
          <label>
            Bitrate in kbit/s
            <input
              data-testid="bitrate"
              type="number"
              min={32}
              max={50_000}
              value={form.bitrateKbps}
              onInput={(event) => setForm({ ...form, bitrateKbps: event.currentTarget.valueAsNumber || 0 })}
            />
          </label>
          <label>
            Viewers fed directly
            <select
              data-testid="max-children"
              value={form.maxChildren}
              onChange={(event) => setForm({ ...form, maxChildren: Number(event.currentTarget.value) })}
            >
              <option value={0}>as many as the uplink allows</option>
              {[1, 2, 3, 4].map((count) => (
                <option key={count} value={count}>
                  {count}
                </option>
              ))}
            </select>
          </label>
          <label>
            Uplink in Mbit/s
            <input
              data-testid="uplink"
              type="number"
              min={0}
              max={10_000}
              step="any"
              value={form.uplinkMbps}
              onInput={(event) => setForm({ ...form, uplinkMbps: event.currentTarget.valueAsNumber || 0 })}
            />
          </label>
          <button type="submit" data-testid="go-live" disabled={busy}>
            {busy ? 'Starting…' : 'Go live'}
          </button>
        </form>
      )}
    </section>
  );
}

function OnAir({ broadcast, account }: { broadcast: Broadcast; account: Account }) {
  useHeartbeat(1000);
  const { streamId, peerId, state } = broadcast;
  const { value: tree } = usePolled(state === 'ended' ? undefined : () => account.client.api.tree(streamId), 2000, `${streamId}/${state}`);
  const stats = broadcast.stats();
  return (
    <aside class="card">
      <Facts
        facts={[
          { name: 'State', testId: 'state', value: state },
          { name: 'Stream', testId: 'stream-id', value: <code>{streamId}</code> },
          { name: 'Viewers', testId: 'viewers', value: Math.max(0, (tree?.peers.length ?? 1) - 1) },
          { name: 'Fed directly', testId: 'children', value: stats.childPeerIds.length },
          { name: 'Sent', testId: 'bytes-relayed', value: bytes(stats.bytesRelayed) },
        ]}
      />
      <h2>Tree</h2>
      {tree ? <TreeView tree={tree} ownPeerId={peerId} /> : <p class="muted">Not known yet.</p>}
    </aside>
  );
}

interface Form {
  source: SourceKind;
  title: string;
  bitrateKbps: number;
  maxChildren: number;
  uplinkMbps: number;
  width: number;
  height: number;
  framesPerSecond: number;
}

function formOf(query: URLSearchParams, name: string): Form {
  const number = (key: string, otherwise: number) => {
    const text = query.get(key);
    return text !== null && Number.isFinite(Number(text)) ? Number(text) : otherwise;
  };
  const source = query.get('source');
  return {
    source: source === 'screen' || source === 'pattern' ? source : 'camera',
    title: query.get('title') ?? `${name}'s stream`,
    bitrateKbps: number('bitrate', 1200),
    maxChildren: number('maxChildren', 0),
    uplinkMbps: number('uplink', 10),
    width: number('width', 640),
    height: number('height', 360),
    framesPerSecond: number('fps', 30),
  };
}

async function openSource({ source, width, height, framesPerSecond }: Form): Promise<Source> {
  if (source === 'pattern') {
    const pattern = createTestPattern({ width, height, framesPerSecond });
    return { stream: pattern.stream, pattern, stop: pattern.stop };
  }
  const stream =
    source === 'camera'
      ? await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate: framesPerSecond }, audio: true })
      : await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: framesPerSecond }, audio: true });
  return {
    stream,
    stop: () => {
      for (const track of stream.getTracks()) track.stop();
    },
  };
}
