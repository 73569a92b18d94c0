import type { PictureMode, Watch } from 'beacon-client';
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../../design/Icon';
import { useHeartbeat } from '../../hooks';

interface Props {
  canvas: RefObject<HTMLCanvasElement | null>;
  watch: Watch | undefined;
  /** Undefined when the page waits for a click. */
  onStart: (() => void) | undefined;
  title: string;
  /** Connects through TURN alone. */
  relayOnly: boolean;
  onRelayOnly: (relayOnly: boolean) => void;
}

const PICTURES: { mode: PictureMode; name: string; hint: string }[] = [
  { mode: 'full', name: 'Full motion', hint: 'every picture' },
  { mode: 'key-frames', name: 'Save power', hint: 'about one picture a second' },
  { mode: 'off', name: 'Sound only', hint: 'no picture is decoded' },
];

const DELAYS: { ms: number; name: string; hint: string }[] = [
  { ms: 0, name: 'Lowest', hint: 'as it comes' },
  { ms: 500, name: 'Balanced', hint: '0.5 s later, evens out an uneven network' },
  { ms: 2000, name: 'Smooth', hint: '2 s later' },
];

const STATES: Partial<Record<Watch['state'], string>> = {
  joining: 'Joining …',
  waiting: 'All places are taken. You are in the queue.',
  connecting: 'Connecting to a viewer who has the stream …',
  reconnecting: 'The server is out of reach. The picture goes on.',
};

/** The picture and what can be done to it. Keys: m for the sound, f for the whole screen. */
export function Player({ canvas, watch, onStart, title, relayOnly, onRelayOnly }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [volume, setVolume] = useState(1);
  const [audible, setAudible] = useState(false);
  const [open, setOpen] = useState(false);
  const [isFull, setFull] = useState(false);
  const [, redraw] = useState(0);

  const toggleSound = async () => {
    const audio = watch?.audio;
    if (!audio) return;
    if (audio.audible) audio.muted = true;
    else {
      audio.muted = false;
      await audio.resume();
    }
    setAudible(audio.audible);
  };
  const toggleFull = () => void (document.fullscreenElement ? document.exitFullscreen() : frame.current?.requestFullscreen()?.catch(() => undefined));

  useEffect(() => {
    // It may have changed since it was drawn.
    redraw((last) => last + 1);
    return watch?.on('state', () => redraw((last) => last + 1));
  }, [watch]);

  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || (event.target as Element).closest('input, select, textarea, dialog')) return;
      if (event.key === 'm') void toggleSound();
      else if (event.key === 'f') toggleFull();
    };
    const full = () => setFull(document.fullscreenElement === frame.current);
    addEventListener('keydown', key);
    document.addEventListener('fullscreenchange', full);
    return () => {
      removeEventListener('keydown', key);
      document.removeEventListener('fullscreenchange', full);
    };
  }, [watch]);

  const state = watch && STATES[watch.state];
  return (
    <div class="player" ref={frame}>
      <canvas ref={canvas} class="picture" width={640} height={360} data-testid="picture" role="img" aria-label={title ? `Live picture of ${title}` : 'Live picture'} />
      {(state || onStart) && (
        <div class="player-state">
          {onStart ? (
            <button data-testid="watch-button" onClick={onStart}>
              Watch
            </button>
          ) : (
            <p role="status">{state}</p>
          )}
        </div>
      )}
      <div class="player-bar" role="group" aria-label="Player">
        <button class="icon" data-testid="sound" aria-pressed={audible} disabled={!watch} aria-label={audible ? 'Sound off' : 'Sound on'} title="Sound (m)" onClick={() => void toggleSound()}>
          <Icon name={audible ? 'sound' : 'mute'} />
        </button>
        <input
          class="volume"
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={volume}
          aria-label="Volume"
          disabled={!watch}
          onInput={(event) => {
            const value = event.currentTarget.valueAsNumber;
            setVolume(value);
            if (watch) watch.audio.volume = value;
          }}
        />
        {watch ? <Latency watch={watch} /> : <span class="player-latency" />}
        <button class="icon" data-testid="player-settings" aria-expanded={open} aria-controls="player-settings" disabled={!watch} aria-label="Picture and delay" title="Picture and delay" onClick={() => setOpen(!open)}>
          <Icon name="gear" />
        </button>
        <button class="icon" data-testid="full-screen" aria-pressed={isFull} aria-label={isFull ? 'Leave the full screen' : 'Full screen'} title="Full screen (f)" onClick={toggleFull}>
          <Icon name="full" />
        </button>
      </div>
      {open && watch && (
        <div class="player-settings" id="player-settings" onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}>
          <fieldset>
            <legend>Picture</legend>
            <div class="choices">
              {PICTURES.map(({ mode, name, hint }) => (
                <label class="choice" key={mode} title={hint}>
                  <input
                    type="radio"
                    name="picture-mode"
                    data-testid={`picture-${mode}`}
                    checked={watch.picture === mode}
                    onChange={() => {
                      watch.picture = mode;
                      redraw((last) => last + 1);
                    }}
                  />
                  {name}
                </label>
              ))}
            </div>
          </fieldset>
          <fieldset>
            <legend>Delay</legend>
            <div class="choices">
              {DELAYS.map(({ ms, name, hint }) => (
                <label class="choice" key={ms} title={hint}>
                  <input
                    type="radio"
                    name="delay"
                    data-testid={`delay-${ms}`}
                    checked={watch.delayMs === ms}
                    onChange={() => {
                      watch.delayMs = ms;
                      redraw((last) => last + 1);
                    }}
                  />
                  {name}
                </label>
              ))}
            </div>
          </fieldset>
          <label class="choice" title="Through the server's TURN server: a little later, and you are seldom needed as a relay">
            <input type="checkbox" data-testid="relay-only" checked={relayOnly} onChange={(event) => onRelayOnly(event.currentTarget.checked)} />
            Hide my address from other viewers
          </label>
          <PictureFacts watch={watch} canvas={canvas} />
        </div>
      )}
    </div>
  );
}

/** How old the picture is, beside the controls. */
function Latency({ watch }: { watch: Watch }) {
  useHeartbeat(1000);
  const { framesDecoded, latencyMs } = watch.stats();
  return <span class="player-latency">{framesDecoded > 0 && latencyMs > 0 ? `${latencyMs < 1000 ? `${Math.round(latencyMs)} ms` : `${(latencyMs / 1000).toFixed(1)} s`} behind` : ''}</span>;
}

/** What comes: there is one picture for everybody, so that anybody can relay it to anybody. */
function PictureFacts({ watch, canvas }: { watch: Watch; canvas: RefObject<HTMLCanvasElement | null> }) {
  useHeartbeat(1000);
  const last = useRef({ at: performance.now(), frames: watch.stats().framesDecoded, bytes: watch.stats().bytesReceived });
  const [rates, setRates] = useState({ frames: 0, kbps: 0 });
  const { framesDecoded, bytesReceived, videoCodec } = watch.stats();
  useEffect(() => {
    const seconds = (performance.now() - last.current.at) / 1000;
    if (seconds < 0.9) return;
    setRates({ frames: (framesDecoded - last.current.frames) / seconds, kbps: ((bytesReceived - last.current.bytes) * 8) / 1000 / seconds });
    last.current = { at: performance.now(), frames: framesDecoded, bytes: bytesReceived };
  });
  return (
    <p class="small" data-testid="picture-facts">
      {canvas.current?.width} × {canvas.current?.height}, {Math.round(rates.frames)} pictures a second, {Math.max(0, Math.round(rates.kbps)).toLocaleString('en')} kbit/s, {videoCodec ?? '–'}. The broadcaster
      chooses size and bitrate; everybody gets the same, so that everybody can pass it on.
    </p>
  );
}
