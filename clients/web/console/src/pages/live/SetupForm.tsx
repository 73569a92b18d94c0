import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon, type IconName } from '../../design/Icon';
import { SIZES, tagsOf, uplinkWarning, type Form, type SourceKind } from './form';
import { listDevices, type Devices, type Source } from './source';

const SOURCES: { kind: SourceKind; name: string; hint: string; icon: IconName }[] = [
  { kind: 'camera', name: 'Camera', hint: 'with the microphone', icon: 'camera' },
  { kind: 'screen', name: 'Screen', hint: 'a window, a tab, or all of it', icon: 'screen' },
  { kind: 'pattern', name: 'Test pattern', hint: 'a moving picture with a clock', icon: 'pattern' },
];

interface Props {
  form: Form;
  busy: string;
  preview: Source | undefined;
  onChange: (form: Form) => void;
  onPreview: () => void;
  onStart: () => void;
}

/** All that is chosen before a stream begins, with the picture as viewers will see it. */
export function SetupForm({ form, busy, preview, onChange, onPreview, onStart }: Props) {
  const set = (change: Partial<Form>) => onChange({ ...form, ...change });
  const devices = useDevices(preview);
  const warning = uplinkWarning(form);
  const tags = tagsOf(form.tags);
  return (
    <form
      class="columns setup"
      onSubmit={(event) => {
        event.preventDefault();
        onStart();
      }}
    >
      <div>
        <PreviewPicture source={preview} onPreview={onPreview} />
        <fieldset>
          <legend>What do you send?</legend>
          <div class="sources">
            {SOURCES.map(({ kind, name, hint, icon }) => (
              <label class="choice" key={kind}>
                <input type="radio" name="source" data-testid={`source-${kind}`} checked={form.source === kind} onChange={() => set({ source: kind })} />
                <Icon name={icon} />
                <span>
                  {name}
                  <br />
                  <span class="soft small">{hint}</span>
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        {form.source === 'camera' && (
          <div class="pair">
            <DevicePick label="Camera" testId="camera" devices={devices.cameras} value={form.cameraId} onChange={(cameraId) => set({ cameraId })} />
            <DevicePick label="Microphone" testId="microphone" devices={devices.microphones} value={form.microphoneId} onChange={(microphoneId) => set({ microphoneId })} />
          </div>
        )}
      </div>
      <div>
        <div class="card form">
          <label class="field">
            Title
            <input data-testid="title" required maxLength={120} value={form.title} onInput={(event) => set({ title: event.currentTarget.value })} />
          </label>
          <label class="field">
            Tags
            <input data-testid="tags" placeholder="music, piano" maxLength={400} value={form.tags} onInput={(event) => set({ tags: event.currentTarget.value })} />
            <span class="hint">{tags.length > 0 ? tags.map((tag) => `#${tag}`).join(' ') : 'Up to 10, for who looks for it.'}</span>
          </label>
          <label class="field">
            Language
            <input data-testid="stream-language" placeholder="en" maxLength={35} pattern="[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*" value={form.language} onInput={(event) => set({ language: event.currentTarget.value.trim() })} />
          </label>
          {form.source !== 'screen' && (
            <fieldset>
              <legend>Size</legend>
              <div class="choices even">
                {SIZES.map(({ name, width, height, bitrateKbps }) => (
                  <label class="choice" key={name}>
                    <input type="radio" name="size" data-testid={`size-${name}`} checked={form.height === height} onChange={() => set({ width, height, bitrateKbps })} />
                    {name}
                  </label>
                ))}
              </div>
            </fieldset>
          )}
          <label class="field">
            Bitrate in kbit/s
            <input
              data-testid="bitrate"
              type="number"
              required
              min={32}
              max={50_000}
              value={form.bitrateKbps}
              onInput={(event) => set({ bitrateKbps: event.currentTarget.valueAsNumber || 0 })}
            />
            <span class="hint">Picture and sound together. Every relay sends as much to each viewer it feeds.</span>
          </label>
          <details>
            <summary>Your network</summary>
            <div class="form">
              <label class="field">
                Viewers fed directly
                <select data-testid="max-children" value={form.maxChildren} onChange={(event) => set({ maxChildren: Number(event.currentTarget.value) })}>
                  <option value={0}>as many as the uplink allows</option>
                  {[1, 2, 3, 4].map((number) => (
                    <option key={number} value={number}>
                      {number}
                    </option>
                  ))}
                </select>
              </label>
              <label class="field">
                Uplink in Mbit/s
                <input
                  data-testid="uplink"
                  type="number"
                  required
                  min={0}
                  max={10_000}
                  step="any"
                  value={form.uplinkMbps}
                  onInput={(event) => set({ uplinkMbps: event.currentTarget.valueAsNumber || 0 })}
                />
              </label>
            </div>
          </details>
          {warning && <p class="notice warn small">{warning}</p>}
          <button type="submit" data-testid="go-live" disabled={busy !== ''}>
            {busy || 'Go live'}
          </button>
          {busy && <progress aria-label={busy} />}
        </div>
      </div>
    </form>
  );
}

export function DevicePick({ label, testId, devices, value, onChange }: { label: string; testId: string; devices: MediaDeviceInfo[]; value: string; onChange: (deviceId: string) => void }) {
  return (
    <label class="field">
      {label}
      <select data-testid={testId} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{devices.length > 0 ? 'as the browser chooses' : 'known after the preview'}</option>
        {devices.map(({ deviceId, label: name }, index) => (
          <option key={deviceId} value={deviceId}>
            {name || `${label} ${index + 1}`}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Asked again when the permission is there, and when something is plugged in. */
export function useDevices(permission: unknown): Devices {
  const [devices, setDevices] = useState<Devices>({ cameras: [], microphones: [] });
  useEffect(() => {
    let left = false;
    const ask = () => void listDevices().then((found) => left || setDevices(found), () => undefined);
    ask();
    navigator.mediaDevices?.addEventListener('devicechange', ask);
    return () => {
      left = true;
      navigator.mediaDevices?.removeEventListener('devicechange', ask);
    };
  }, [permission]);
  return devices;
}

function PreviewPicture({ source, onPreview }: { source: Source | undefined; onPreview: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = source?.stream ?? null;
  }, [source]);
  return (
    <div class="preview-picture">
      <video ref={video} class="picture" autoplay muted playsInline aria-label="Preview" hidden={!source} />
      {source ? (
        <SoundMeter stream={source.stream} />
      ) : (
        <div class="preview-empty">
          <button type="button" class="quiet" data-testid="preview-source" onClick={onPreview}>
            <Icon name="eye" /> Preview
          </button>
          <span class="small">Only you see it.</span>
        </div>
      )}
    </div>
  );
}

/** Shows that the microphone hears something. */
export function SoundMeter({ stream }: { stream: MediaStream }) {
  const meter = useRef<HTMLMeterElement>(null);
  const hasSound = stream.getAudioTracks().length > 0;
  useEffect(() => {
    if (!hasSound) return;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      // From −60 dB, which is silence, to 0.
      if (meter.current) meter.current.value = Math.max(0, 1 + (10 * Math.log10(power + 1e-9)) / 60);
    }, 100);
    return () => {
      clearInterval(timer);
      void context.close();
    };
  }, [stream, hasSound]);
  if (!hasSound) return <p class="small soft sound-meter">No sound in this source.</p>;
  return (
    <label class="sound-meter small">
      Sound <meter ref={meter} min={0} max={1} low={0.1} high={0.95} optimum={0.5} />
    </label>
  );
}
