import type { BeaconApi } from 'beacon-client';
import { useEffect, useState } from 'preact/hooks';
import { useWork } from '../../hooks';
import { Problem } from '../../parts/Problem';
import { channelSettings, saveChannelSettings, type ChannelSettings } from '../../rest/streams';
import { tagsOf } from '../live/form';

const CONSENTS = [
  ['RAID_CONSENT_ALL', 'everybody’s raids are welcome'],
  ['RAID_CONSENT_FOLLOWED', 'only those of channels that I follow'],
  ['RAID_CONSENT_NONE', 'no raids'],
] as const;

const HOSTS = [
  ['AUTO_HOST_OFF', 'they stay here'],
  ['AUTO_HOST_LIST', 'to the first of my list that is live'],
  ['AUTO_HOST_RANDOM', 'to a random one of my list, or anybody'],
] as const;

/** What the owner of a channel decides. */
export function ChannelSettingsForm({ api, channel }: { api: BeaconApi; channel: string }) {
  const [settings, setSettings] = useState<ChannelSettings>();
  const [tags, setTags] = useState('');
  const { busy, problem, fail, run } = useWork();
  const [saved, setSaved] = useState(false);

  const show = (found: ChannelSettings) => {
    setSettings(found);
    setTags(found.tags.join(', '));
  };
  const load = () => {
    fail(undefined);
    channelSettings(api, channel).then(show, fail);
  };
  useEffect(load, [channel]);

  const save = async () => {
    setSaved(false);
    await run(async () => {
      show(await saveChannelSettings(api, channel, { ...settings!, tags: tagsOf(tags) }));
      setSaved(true);
    });
  };

  const set = (change: Partial<ChannelSettings>) => {
    setSaved(false);
    setSettings({ ...settings!, ...change });
  };

  return (
    <form
      class="card form"
      aria-labelledby="settings-title"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <h2 id="settings-title">Your channel</h2>
      {problem !== undefined && <Problem cause={problem} {...(settings ? {} : { onRetry: load })} />}
      {settings && (
        <>
          <div class="pair">
            <label class="field">
              Tags
              <input data-testid="channel-tags" value={tags} onInput={(event) => setTags(event.currentTarget.value)} />
            </label>
            <label class="field">
              Language
              <input value={settings.language} maxLength={35} placeholder="en" onInput={(event) => set({ language: event.currentTarget.value.trim() })} />
            </label>
          </div>
          <div class="pair">
            <label class="field">
              Raids
              <select data-testid="channel-consent" value={settings.acceptsRaids} onChange={(event) => set({ acceptsRaids: event.currentTarget.value })}>
                {CONSENTS.map(([value, name]) => (
                  <option key={value} value={value}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <label class="field">
              Smallest audience
              <input type="number" min={0} max={4_000_000} value={settings.minRaidViewers} onInput={(event) => set({ minRaidViewers: event.currentTarget.valueAsNumber || 0 })} />
            </label>
            <label class="field">
              Largest audience
              <input type="number" min={0} max={4_000_000} value={settings.maxRaidViewers} onInput={(event) => set({ maxRaidViewers: event.currentTarget.valueAsNumber || 0 })} />
              <span class="hint">0 = any</span>
            </label>
          </div>
          <div class="pair">
            <Names label="Channels that I follow" value={settings.followedChannels} onChange={(followedChannels) => set({ followedChannels })} />
            <Names label="Channels that I block" value={settings.blockedChannels} onChange={(blockedChannels) => set({ blockedChannels })} />
          </div>
          <div class="pair">
            <label class="field">
              Visitors while I am offline
              <select value={settings.autoHost} onChange={(event) => set({ autoHost: event.currentTarget.value })}>
                {HOSTS.map(([value, name]) => (
                  <option key={value} value={value}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <Names label="My list, the best first" value={settings.hostChannels} onChange={(hostChannels) => set({ hostChannels })} />
          </div>
          <div class="row">
            <button data-testid="save-channel" disabled={busy}>
              {busy ? 'Saving …' : 'Save'}
            </button>
            <span class="small soft" role="status" data-testid="channel-saved">
              {saved && 'Saved.'}
            </span>
          </div>
        </>
      )}
    </form>
  );
}

function Names({ label, value, onChange }: { label: string; value: string[]; onChange: (names: string[]) => void }) {
  const [text, setText] = useState(value.join('\n'));
  return (
    <label class="field">
      {label}
      <textarea
        rows={3}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          onChange(
            event.currentTarget.value
              .split(/\s+/)
              .map((name) => name.trim())
              .filter((name) => name !== ''),
          );
        }}
      />
      <span class="hint">one a line</span>
    </label>
  );
}
