import { canBroadcast, type Broadcast } from 'beacon-client';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '../../app/account';
import { count, credits } from '../../format';
import { useTitle } from '../../hooks';
import { Problem } from '../../parts/Problem';
import { exposeBroadcast, hide } from '../../probe';
import { channelSettings, saveChannelSettings } from '../../rest/streams';
import { formOf, tagsOf, type Form } from './form';
import './live.css';
import { OnAir } from './OnAir';
import { forgetOnAir, lastOnAir, rememberOnAir } from './onAir';
import { SetupForm } from './SetupForm';
import { openSource, type Source } from './source';

interface Props {
  account: Account;
  query: URLSearchParams;
}

/** What a preview was made of: when one of these changes, another source is opened. */
const sourceKey = ({ source, width, height, framesPerSecond, cameraId, microphoneId }: Form) => [source, width, height, framesPerSecond, cameraId, microphoneId].join('/');

export function LivePage({ account, query }: Props) {
  const onAir = useRef(lastOnAir<Form>());
  const [form, setForm] = useState<Form>(() => ({ ...formOf(query, account.name), ...onAir.current?.form }));
  const [broadcast, setBroadcast] = useState<Broadcast>();
  const [sinceMs, setSinceMs] = useState(0);
  const [problem, setProblem] = useState<unknown>();
  const [busy, setBusy] = useState('');
  const [notice, setNotice] = useState('');
  const [preview, setPreview] = useState<{ source: Source; key: string }>();
  const source = useRef<Source>(undefined);
  const running = useRef<Broadcast>(undefined);
  const left = useRef(false);
  useTitle(broadcast && broadcast.state !== 'ended' ? `Live: ${form.title}` : 'Go live');

  const release = () => {
    source.current?.stop();
    source.current = undefined;
    setPreview(undefined);
  };

  /** Who goes to another page has ended the stream; only a lost tab may come back to it. */
  const finish = () => {
    const ending = running.current;
    if (ending) forgetOnAir();
    if (ending && ending.state !== 'ended') void ending.end().catch(() => ending.stop());
    release();
  };

  const open = async (): Promise<Source> => {
    const key = sourceKey(form);
    if (source.current && preview?.key === key) return source.current;
    release();
    const opened = await openSource(form);
    source.current = opened;
    setPreview({ source: opened, key });
    return opened;
  };

  const showPreview = async () => {
    setProblem(undefined);
    try {
      await open();
      if (left.current) release();
    } catch (cause) {
      setProblem(cause);
    }
  };

  const start = async () => {
    setBusy(form.source === 'pattern' ? 'Starting …' : 'Waiting for the browser …');
    setProblem(undefined);
    setNotice('');
    try {
      const { stream, pattern } = await open();
      setBusy('Starting …');
      const started = await account.client.broadcast({
        source: stream,
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
      started.on('error', (error) => setProblem(error));
      started.on('trackended', ({ kind }) => setProblem(`The ${kind === 'video' ? 'picture' : 'sound'} of your device has stopped. Choose another device below, or end the stream.`));
      started.on('ended', ({ reason }) => {
        forgetOnAir();
        onAir.current = undefined;
        setNotice((last) => last || `The stream is over (${reason}).`);
      });
      running.current = started;
      if (left.current) return finish();
      setSinceMs(Date.now());
      setBroadcast(started);
      exposeBroadcast(account.client, started, () => pattern?.frameNumber());
      void describe();
    } catch (cause) {
      release();
      setProblem(cause);
    } finally {
      setBusy('');
    }
  };

  /** Tags and language are the channel's: they are kept for the next stream. */
  const describe = async () => {
    const tags = tagsOf(form.tags);
    try {
      const settings = await channelSettings(account.api, account.channel);
      if (settings.language === form.language && settings.tags.join() === tags.join()) return;
      // Who left the fields empty does not want to lose what the channel has.
      if (tags.length === 0 && form.language === '') return;
      await saveChannelSettings(account.api, account.channel, { ...settings, tags: tags.length > 0 ? tags : settings.tags, language: form.language || settings.language });
    } catch (cause) {
      setProblem(cause);
    }
  };

  useEffect(() => {
    // A screen can only be chosen by a click.
    const goesOn = onAir.current && form.source !== 'screen';
    if (goesOn || query.get('autostart') === '1') void start();
    else {
      channelSettings(account.api, account.channel).then(
        ({ tags, language }) => setForm((last) => ({ ...last, tags: last.tags || tags.join(', '), language: last.language || language })),
        () => undefined,
      );
    }
    const stopListening = account.client.on('tip', ({ fromName, amountMicrocredits }) => setNotice(`${fromName} gave ${credits(amountMicrocredits)} credits.`));
    return () => {
      stopListening();
      left.current = true;
      finish();
      hide();
    };
  }, []);

  const end = async (raidTarget: string) => {
    try {
      const { targetStreamId, viewers } = await broadcast!.end(raidTarget);
      setNotice(targetStreamId ? `The stream is over; ${count(viewers ?? 0, 'viewer')} were sent on.` : 'The stream is over.');
    } catch (cause) {
      setProblem(cause);
    }
  };

  const again = () => {
    running.current = undefined;
    setBroadcast(undefined);
    setNotice('');
    setProblem(undefined);
    hide();
    release();
  };

  const isPreviewed = preview?.key === sourceKey(form);
  return (
    <section class="page" aria-labelledby="live-title">
      <header class="page-head">
        <h1 id="live-title">{broadcast ? form.title : 'Go live'}</h1>
        {broadcast?.state === 'ended' && (
          <button data-testid="live-again" onClick={again}>
            Go live again
          </button>
        )}
      </header>
      {!canBroadcast() && !broadcast && <Problem cause="This browser cannot broadcast; it can watch. Use a current Chromium, Chrome or Edge." />}
      {problem !== undefined && <Problem cause={problem} />}
      {notice && (
        <p class="notice" role="status" data-testid="notice">
          {notice}
        </p>
      )}
      {broadcast && preview ? (
        <OnAir broadcast={broadcast} account={account} source={preview.source} form={form} sinceMs={sinceMs} onEnd={(target) => void end(target)} onProblem={setProblem} />
      ) : (
        <SetupForm form={form} busy={busy} preview={isPreviewed ? preview?.source : undefined} onChange={setForm} onPreview={() => void showPreview()} onStart={() => void start()} />
      )}
    </section>
  );
}
