import type { BeaconApi } from './api';
import { Backoff, retry } from './backoff';
import { BeaconError } from './errors';
import type { Raid, ServerFrame } from './gen/beacon/signaling/v1/frames_pb';
import type { RtcFactory } from './mesh/peerConnection';
import type { ServerFramePayload, SignalingSocket } from './signaling/socket';

/** What sessions share: one socket and one API of one account. */
export interface SessionContext {
  socket: SignalingSocket;
  api: BeaconApi;
  iceServers: () => Promise<RTCIceServer[]>;
  rtc: RtcFactory;
  /** How long the first answer of the server is waited for, in milliseconds. */
  readyTimeoutMs: number;
}

export type { Raid };

/** The stream that a frame is about, undefined for frames about the account or the session. */
export function streamIdOf(frame: ServerFramePayload): string | undefined {
  const value = frame.value as { streamId?: unknown; fromStreamId?: unknown } | undefined;
  const id = frame.case === 'raid' ? value?.fromStreamId : value?.streamId;
  return typeof id === 'string' ? id : undefined;
}

/** A stream that the server does not know (yet) is asked for again for this long after a reconnect: its broadcaster reconnects too. */
const RESUME_PATIENCE_MS = 30_000;

/** What a resuming client overcomes: each session leaves its former seat or its useless ticket behind before it asks again. */
const RESUME_REASONS: ReadonlySet<string> = new Set(['unknown_stream', 'already_in_stream', 'invalid_resume_ticket']);

/** The payload type of one kind of answer. */
type Answer<Case> = Extract<ServerFrame['frame'], { case: Case }> extends { value: infer Value } ? Value : never;

/**
 * `go-live` or `join-stream`, repeated while that can help. After a lost session the same stream may be unknown until its
 * broadcaster is back, so `unknown_stream` is final only for a first join.
 */
export function enterStream<Case extends 'streamLive' | 'streamJoined'>(
  attempt: () => Promise<ServerFramePayload>,
  expected: Case,
  resuming: boolean,
  signal: AbortSignal,
): Promise<Answer<Case>> {
  return retry(
    async () => {
      const answer = await attempt();
      if (answer.case !== expected) throw new BeaconError('internal', `The server answered ${answer.case} instead of ${expected}.`);
      return answer.value as Answer<Case>;
    },
    {
      backoff: new Backoff({ firstMs: 250, maxMs: 4000 }),
      deadlineMs: RESUME_PATIENCE_MS,
      isRetryable: (error) => error instanceof BeaconError && mayHelp(error, resuming),
      signal,
    },
  );
}

function mayHelp(error: BeaconError, resuming: boolean): boolean {
  // While resuming, the next `welcome` starts an attempt of its own; going on here would only compete with it.
  if (error.reason === 'disconnected') return !resuming;
  return error.retryable || (resuming && RESUME_REASONS.has(error.reason));
}
