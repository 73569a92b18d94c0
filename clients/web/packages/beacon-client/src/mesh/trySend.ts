import type { Bytes } from '../chunks/header';

/** What of a data channel it takes to send. */
export interface Outlet {
  readonly readyState: RTCDataChannelState;
  send(data: Bytes): void;
  send(data: string): void;
}

/**
 * False when nothing was sent. A channel may be full, or be closed between a look at its state and the call: the other side's end must
 * never be an error of this one.
 */
export function trySend(channel: Outlet, data: Bytes | string): boolean {
  if (channel.readyState !== 'open') return false;
  try {
    channel.send(data as Bytes);
    return true;
  } catch {
    return false;
  }
}
