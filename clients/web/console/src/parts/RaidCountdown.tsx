import { useRef } from 'preact/hooks';
import { count } from '../format';
import { useHeartbeat } from '../hooks';
import './raid.css';

interface Props {
  title: string;
  channel?: string;
  viewers?: number;
  /** In milliseconds of `performance.now()`. */
  movesAt: number;
  action: string;
  testId: string;
  onAction: () => void;
}

/** A raid that comes, and the button of who does not want it. */
export function RaidCountdown({ title, channel, viewers = 0, movesAt, action, testId, onAction }: Props) {
  useHeartbeat(250);
  const leftMs = Math.max(0, movesAt - performance.now());
  const longest = useRef(leftMs);
  longest.current = Math.max(longest.current, leftMs);
  const share = longest.current > 0 ? leftMs / longest.current : 0;
  return (
    <div class="raid" data-testid="raid" role="region" aria-label="Raid">
      <span class="raid-ring" style={`--share: ${share}`} role="timer" aria-live="off">
        <strong data-testid="raid-seconds">{Math.ceil(leftMs / 1000)}</strong>
      </span>
      <p>
        <strong>Raid to “{title}”</strong>
        <br />
        <span class="small">
          {channel && `${channel}. `}
          {viewers > 0 ? `${count(viewers, 'viewer')} move on together when the time is over.` : 'The viewers move on when the time is over.'}
        </span>
      </p>
      <button class="quiet" data-testid={testId} onClick={onAction}>
        {action}
      </button>
    </div>
  );
}
