import { BeaconError } from '../errors';

/** Chromium's bridge between media tracks and WebCodecs, which TypeScript's DOM library does not know. */
interface TrackProcessor<T> {
  readonly readable: ReadableStream<T>;
}

interface TrackGenerator<T> extends MediaStreamTrack {
  readonly writable: WritableStream<T>;
}

type Bridge = typeof globalThis & {
  MediaStreamTrackProcessor?: new <T>(init: { track: MediaStreamTrack; maxBufferSize?: number }) => TrackProcessor<T>;
  MediaStreamTrackGenerator?: new <T>(init: { kind: 'video' | 'audio' }) => TrackGenerator<T>;
};

/** True when this browser has what it takes to broadcast from the page. */
export function canBroadcast(): boolean {
  return 'MediaStreamTrackProcessor' in globalThis && 'VideoEncoder' in globalThis;
}

/** True when this browser has what it takes to watch. */
export function canWatch(): boolean {
  return 'VideoDecoder' in globalThis && 'RTCPeerConnection' in globalThis;
}

export function readTrack<T>(track: MediaStreamTrack): ReadableStream<T> {
  const { MediaStreamTrackProcessor } = globalThis as Bridge;
  if (!MediaStreamTrackProcessor) {
    throw new BeaconError('unsupported_browser', 'This browser cannot hand out camera frames (MediaStreamTrackProcessor).');
  }
  return new MediaStreamTrackProcessor<T>({ track }).readable;
}

export function writableTrack<T>(kind: 'video' | 'audio'): { track: MediaStreamTrack; writable: WritableStream<T> } {
  const { MediaStreamTrackGenerator } = globalThis as Bridge;
  if (!MediaStreamTrackGenerator) {
    throw new BeaconError('unsupported_browser', 'This browser cannot make a track from frames (MediaStreamTrackGenerator).');
  }
  const track = new MediaStreamTrackGenerator<T>({ kind });
  return { track, writable: track.writable };
}
