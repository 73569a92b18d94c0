/** Why something failed, for machines: the server's reasons (docs/errors.md) and those that arise in the client itself. */
export type ClientReason =
  | 'disconnected'
  | 'timeout'
  | 'closed'
  | 'unauthorized'
  | 'unsupported_browser'
  | 'no_video_track'
  | 'encoder_failed'
  | 'unsupported_codec'
  | 'http_error';

/** Every failure of this SDK. Compare `reason`, show `message`. */
export class BeaconError extends Error {
  /** Tells it from other errors, also across frames and workers. */
  override readonly name = 'BeaconError';

  /** The message says what happened, for people. */
  constructor(
    /** Why, for machines. */
    readonly reason: ClientReason | (string & {}),
    message: string,
    /** True when the same call may succeed later. */
    readonly retryable = false,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** What was thrown, as an error of this kind; one that is not known has the reason `internal`. */
  static from(cause: unknown): BeaconError {
    if (cause instanceof BeaconError) return cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    return new BeaconError('internal', message, false, { cause });
  }
}
