import type { Broadcast } from 'beacon-client';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '../../app/account';
import { Chart, type Line } from '../../charts/Chart';
import { Series } from '../../charts/series';
import { Icon } from '../../design/Icon';
import { bytes, credits, since } from '../../format';
import { useHeartbeat } from '../../hooks';
import { CopyButton } from '../../parts/CopyButton';
import { Facts } from '../../parts/Facts';
import { Tiles } from '../../parts/Tiles';
import { TreeList } from '../../tree/TreeList';
import { TreePicture } from '../../tree/TreePicture';
import { useLiveTree } from '../../tree/useLiveTree';
import type { Form } from './form';
import { RaidForm } from './RaidForm';
import { DevicePick, SoundMeter, useDevices } from './SetupForm';
import { openTrack, type Source } from './source';
import { SquadEditor } from './SquadEditor';

const VIEWERS: Line[] = [{ name: 'viewers', colour: 'accent' }];
const SAMPLE_MS = 2000;
/** What of the wallet's changes is the stream's revenue. */
const REVENUE = new Set(['tip', 'sponsorship']);

interface Props {
  broadcast: Broadcast;
  account: Account;
  source: Source;
  form: Form;
  sinceMs: number;
  onEnd: (raidTarget: string) => void;
  onProblem: (cause: unknown) => void;
}

/** What a broadcaster sees while live: the picture, the audience, how the tree is, what came in, and the way to finish. */
export function OnAir({ broadcast, account, source, form, sinceMs, onEnd, onProblem }: Props) {
  useHeartbeat(1000);
  const { streamId, peerId, state } = broadcast;
  const isLive = state !== 'ended';
  const { tree, revision } = useLiveTree(account.api, isLive ? streamId : '');
  const revenue = useRevenue(account);
  const viewers = Math.max(0, tree.peers.size - 1);
  const history = useViewerHistory(viewers, isLive);
  const stats = broadcast.stats();
  const { quality } = tree;
  const excess = quality ? quality.meanDepth - quality.idealMeanDepth : 0;
  return (
    <div class="columns">
      <div>
        <div class="on-air-picture">
          <OwnPicture stream={source.stream} />
          <span class={isLive ? 'badge live' : 'badge'}>{isLive ? `LIVE ${since(sinceMs, Date.now())}` : 'over'}</span>
        </div>
        {isLive && <Devices broadcast={broadcast} source={source} form={form} onProblem={onProblem} />}
        <div class="row">
          <a class="button quiet" href={`/watch/${streamId}`} target="_blank" rel="noopener" data-testid="watch-link">
            Open the watch page
          </a>
          <CopyButton text={`${location.origin}/watch/${streamId}`} name="the address of the watch page" label="Copy its address" />
          <CopyButton text={`${location.origin}/channel/${encodeURIComponent(broadcast.channel)}`} name="the address of your channel, which stays the same" label="Copy your channel" />
        </div>
        {isLive && <RaidForm api={account.api} streamId={streamId} channel={broadcast.channel} viewers={viewers} onEnd={onEnd} onProblem={onProblem} />}
        {isLive && <SquadEditor api={account.api} streamId={streamId} broadcasterAccountId={account.accountId} />}
      </div>
      <div>
        <Tiles
          tiles={[
            { name: 'Viewers', value: viewers, testId: 'viewers' },
            { name: 'Revenue', value: credits(revenue, 2), hint: 'credits', kind: 'credit', testId: 'revenue' },
            { name: 'Waiting', value: tree.waiting, kind: tree.waiting ? 'warn' : '' },
            { name: 'Bitrate', value: stats.bitrateKbps, hint: stats.bitrateKbps < form.bitrateKbps * 0.9 ? `of ${form.bitrateKbps}: your uplink is short` : 'kbit/s' },
          ]}
        />
        <Chart title="Audience" unit="viewers" lines={VIEWERS} data={history.data} version={history.version} height={110} decimals={0} />
        <section class="card" aria-labelledby="health-title">
          <div class="page-head">
            <h2 id="health-title">The tree</h2>
            {quality && (
              <span class={`badge ${excess < 0.5 ? 'good' : 'warn'}`} data-testid="tree-health">
                {excess < 0.5 ? 'as short as it can be' : `${excess.toFixed(1)} hops above the ideal`}
              </span>
            )}
          </div>
          <TreePicture tree={tree} revision={revision} ownId={peerId} still />
          <Facts
            facts={[
              { name: 'State', testId: 'state', value: state },
              { name: 'Fed directly', testId: 'children', value: stats.childPeerIds.length },
              { name: 'Sent', testId: 'bytes-relayed', value: bytes(stats.bytesRelayed) },
              { name: 'Depth, mean', testId: 'mean-depth', value: quality ? `${quality.meanDepth.toFixed(2)} (ideal ${quality.idealMeanDepth.toFixed(2)})` : '–' },
              { name: 'Codec', testId: 'codec', value: stats.videoCodec },
              { name: 'Stream', testId: 'stream-id', value: <code>{streamId}</code> },
            ]}
          />
          <a class="small" href={`/operator/${streamId}`} target="_blank" rel="noopener">
            The whole tree
          </a>
          <details>
            <summary>As a list</summary>
            <TreeList peers={tree.peers} ownPeerId={peerId} />
          </details>
        </section>
      </div>
    </div>
  );
}

function OwnPicture({ stream }: { stream: MediaStream }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  return <video ref={video} class="picture" autoplay muted playsInline aria-label="What you send" />;
}

/** The microphone can be muted, and camera and microphone changed, without ending the stream. */
function Devices({ broadcast, source, form, onProblem }: { broadcast: Broadcast; source: Source; form: Form; onProblem: (cause: unknown) => void }) {
  const [muted, setMuted] = useState(false);
  const [camera, setCamera] = useState(form.cameraId);
  const [microphone, setMicrophone] = useState(form.microphoneId);
  const devices = useDevices(source);
  const hasSound = source.stream.getAudioTracks().length > 0;

  const change = async (kind: 'video' | 'audio', deviceId: string) => {
    if (!deviceId) return;
    try {
      onProblem(undefined);
      const track = await openTrack(kind, deviceId, form);
      track.enabled = kind === 'video' || !muted;
      broadcast.replaceTrack(track);
      for (const old of source.stream.getTracks().filter((one) => one.kind === kind)) {
        source.stream.removeTrack(old);
        old.stop();
      }
      source.stream.addTrack(track);
      (kind === 'video' ? setCamera : setMicrophone)(deviceId);
    } catch (cause) {
      onProblem(cause);
    }
  };

  return (
    <div class="row on-air-devices">
      {hasSound && (
        <>
          <button
            class="quiet"
            aria-pressed={muted}
            data-testid="mute"
            onClick={() => {
              for (const track of source.stream.getAudioTracks()) track.enabled = muted;
              setMuted(!muted);
            }}
          >
            <Icon name={muted ? 'mute' : 'sound'} /> {muted ? 'Sound is off' : 'Turn the sound off'}
          </button>
          <SoundMeter stream={source.stream} />
        </>
      )}
      {form.source === 'camera' && (
        <>
          <DevicePick label="Camera" testId="camera" devices={devices.cameras} value={camera} onChange={(id) => void change('video', id)} />
          <DevicePick label="Microphone" testId="microphone" devices={devices.microphones} value={microphone} onChange={(id) => void change('audio', id)} />
        </>
      )}
    </div>
  );
}

/** What came in since the page is live. */
function useRevenue(account: Account): bigint {
  const [revenue, setRevenue] = useState(0n);
  useEffect(
    () => account.client.on('wallet', ({ amountMicrocredits, code }) => REVENUE.has(code) && amountMicrocredits > 0n && setRevenue((sum) => sum + amountMicrocredits)),
    [account],
  );
  return revenue;
}

function useViewerHistory(viewers: number, isLive: boolean) {
  const series = useRef(new Series(1));
  const now = useRef(viewers);
  now.current = viewers;
  const [version, setVersion] = useState(0);
  useEffect(() => {
    if (!isLive) return;
    const timer = setInterval(() => {
      series.current.push(Date.now() / 1000, [now.current]);
      setVersion((last) => last + 1);
    }, SAMPLE_MS);
    return () => clearInterval(timer);
  }, [isLive]);
  return { data: series.current.data, version };
}
