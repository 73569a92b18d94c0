import { BeaconError } from 'beacon-client';
import { adviceFor } from './advice';

interface Props {
  /** An error, or a sentence that says what to do itself. */
  cause: unknown;
  testId?: string;
  onRetry?: () => void;
}

/** What went wrong, and what to do about it. */
export function Problem({ cause, testId = 'error', onRetry }: Props) {
  const error = typeof cause === 'string' ? undefined : BeaconError.from(cause);
  return (
    <div class="notice bad" role="alert" data-testid={testId} data-reason={error?.reason}>
      <p>
        {error ? error.message : String(cause)} {error && adviceFor(error)}
      </p>
      {onRetry && (
        <button class="quiet" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
