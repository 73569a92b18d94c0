import { WebSocket } from 'ws';
import { BeaconApi, type RtcFactory, type TokenProvider } from 'beacon-client';
import type { SessionContext } from '../../web/packages/beacon-client/src/session';
import { SignalingSocket } from '../../web/packages/beacon-client/src/signaling/socket';
import { TokenKeeper } from '../../web/packages/beacon-client/src/signaling/tokens';

/** A session of its own, as a page has one. */
export function contextOf(url: string, token: TokenProvider, rtc: RtcFactory): SessionContext {
  const tokens = new TokenKeeper(token, () => undefined);
  const webSocket = WebSocket as unknown as typeof globalThis.WebSocket;
  const socket = new SignalingSocket({ url: `${url.replace('http', 'ws')}/ws`, tokens, webSocket });
  return { socket, api: new BeaconApi(url), iceServers: () => Promise.resolve([]), rtc, readyTimeoutMs: 15_000 };
}
