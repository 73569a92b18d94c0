import { useHeartbeat } from '../hooks';

interface Props {
  title: string;
  /** In milliseconds of `performance.now()`. */
  movesAt: number;
  action: string;
  testId: string;
  onAction: () => void;
}

/** A raid that comes, and the button of who does not want it. */
export function RaidCountdown({ title, movesAt, action, testId, onAction }: Props) {
  useHeartbeat(250);
  const seconds = Math.max(0, Math.ceil((movesAt - performance.now()) / 1000));
  return (
    <div class="notice row" data-testid="raid">
      <span role="timer">
        Raid to “{title}” in <strong data-testid="raid-seconds">{seconds}</strong> s.
      </span>
      <button data-testid={testId} onClick={onAction}>
        {action}
      </button>
    </div>
  );
}
