import { BeaconError, canvasSink, canWatch } from 'beacon-client';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Account } from '../../app/account';
import { hueOf } from '../../format';
import { keepPoster, posterOf } from './poster';

/** Who only passes over a card does not want to see it. */
const HOVER_MS = 500;
/** A preview is a viewer like any other, so it does not stay for ever. */
const LONGEST_MS = 20_000;
/** What a preview offers to relay, in Mbit/s. */
const UPLINK_MBPS = 1;

interface Props {
  streamId: string;
  channel: string;
  /** The card is pointed at, or has the focus. */
  wanted: boolean;
  account: Account | undefined;
}

/** The picture of a card: what was seen last of the stream, and the stream itself, without sound, while it is pointed at. */
export function Preview({ streamId, channel, wanted, account }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [playing, setPlaying] = useState(false);
  const [poster, setPoster] = useState(() => posterOf(streamId));

  useEffect(() => {
    if (!wanted || !account || !canWatch()) return;
    let left = false;
    let stop = () => undefined as void;
    const end = () => {
      left = true;
      stop();
      setPlaying(false);
    };
    const begin = setTimeout(async () => {
      try {
        const watch = await account.client.watch({ streamId, video: canvasSink(canvas.current!), uplinkMbps: UPLINK_MBPS });
        watch.audio.muted = true;
        stop = () => {
          if (watch.stats().framesDecoded > 0 && canvas.current) keepPoster(streamId, canvas.current);
          watch.stop();
          setPoster(posterOf(streamId));
        };
        if (left) return stop();
        watch.on('playing', () => setPlaying(true));
        watch.on('ended', end);
      } catch (cause) {
        // A card without a moving picture: the stream is full, or over in a moment.
        if (!(cause instanceof BeaconError)) throw cause;
      }
    }, HOVER_MS);
    const longest = setTimeout(end, LONGEST_MS);
    return () => {
      clearTimeout(begin);
      clearTimeout(longest);
      end();
    };
  }, [wanted, account, streamId]);

  return (
    <span class="preview" style={`--hue: ${hueOf(channel)}`} data-playing={playing}>
      {poster ? (
        <img src={poster} alt="" />
      ) : (
        <svg class="preview-tree" viewBox="0 0 160 90" aria-hidden="true">
          <path d="M80 27 52 62M80 27l28 35" />
          <circle cx={80} cy={27} r={7} />
          <circle cx={52} cy={62} r={5} />
          <circle cx={108} cy={62} r={5} />
        </svg>
      )}
      <canvas ref={canvas} width={320} height={180} hidden={!playing} data-testid="preview" />
    </span>
  );
}
