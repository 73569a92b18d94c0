import type { RtcFactory, TokenProvider } from 'beacon-client';
import { ViewerStream } from '../../web/packages/beacon-client/src/viewerStream';
import { contextOf } from './context';

export interface ListenerOptions {
  url: string;
  streamId: string;
  token: TokenProvider;
  rtc: RtcFactory;
  uplinkMbps: number;
  /** Connects through TURN alone. */
  relayOnly?: boolean;
}

/** Enough for the percentiles of half a minute, and little to hold. */
const MAX_LATENCIES = 4096;

/** A viewer that plays nothing, and notes what it would have played. */
export async function listen({ url, streamId, token, rtc, uplinkMbps, relayOnly = false }: ListenerOptions) {
  const context = contextOf(url, token, rtc);
  let sequences: number[] = [];
  let latenciesMs: number[] = [];
  let at = 0;
  let longestBreakMs = 0;
  let bytesPlayed = 0;
  const stream = new ViewerStream(context, {
    streamId,
    uplinkMbps,
    relayOnly,
    silenceMs: 130,
    connectTimeoutMs: 4000,
    onChunk: ({ sequence, timestampUs, bytes }) => {
      const now = performance.now();
      if (at > 0) longestBreakMs = Math.max(longestBreakMs, now - at);
      at = now;
      sequences.push(sequence);
      bytesPlayed += bytes.length;
      if (latenciesMs.length < MAX_LATENCIES) latenciesMs.push(performance.timeOrigin + now - timestampUs / 1000);
    },
    bufferMs: () => 0,
    onFault: () => undefined,
    onChange: () => undefined,
    onWaiting: () => undefined,
    onEnded: () => undefined,
    onResumed: () => undefined,
    onFailed: () => undefined,
  });
  await stream.join();
  return {
    stream,
    peerId: stream.peer!.peerId,
    parent: () => stream.peer!.parents[0]?.keeper.feedingPeerId,
    sequences: () => sequences,
    latenciesMs: () => latenciesMs,
    bytesPlayed: () => bytesPlayed,
    /** What is missing between the first and the last chunk. */
    missing: () => sequences.slice(1).flatMap((sequence, index) => (sequence === sequences[index]! + 1 ? [] : [sequence])),
    /** The last wait counts, though nothing has ended it yet. */
    longestBreakMs: () => Math.max(longestBreakMs, performance.now() - at),
    forgetBreaks: () => (longestBreakMs = 0),
    /** Chunks and latencies count from here. */
    beginAnew: () => {
      sequences = sequences.slice(-1);
      latenciesMs = [];
    },
    stop: () => {
      stream.leave();
      context.socket.close();
    },
  };
}
