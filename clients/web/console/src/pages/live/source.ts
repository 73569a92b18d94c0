import { BeaconError, createTestPattern, type TestPattern } from 'beacon-client';
import type { Form } from './form';

/** What is sent, and how it ends. */
export interface Source {
  stream: MediaStream;
  pattern?: TestPattern;
  stop: () => void;
}

const WHAT = { camera: 'the camera or the microphone', screen: 'the screen', pattern: 'the test pattern' };

export async function openSource({ source, width, height, framesPerSecond, cameraId, microphoneId }: Form): Promise<Source> {
  if (source === 'pattern') {
    const pattern = createTestPattern({ width, height, framesPerSecond });
    return { stream: pattern.stream, pattern, stop: pattern.stop };
  }
  const stream = await asked(source, () =>
    source === 'camera'
      ? navigator.mediaDevices.getUserMedia({
          video: { width, height, frameRate: framesPerSecond, ...(cameraId ? { deviceId: { exact: cameraId } } : {}) },
          audio: microphoneId ? { deviceId: { exact: microphoneId } } : true,
        })
      : navigator.mediaDevices.getDisplayMedia({ video: { frameRate: framesPerSecond }, audio: true }),
  );
  return {
    stream,
    stop: () => {
      for (const track of stream.getTracks()) track.stop();
    },
  };
}

/** Another camera or microphone for a stream that is live. */
export async function openTrack(kind: 'video' | 'audio', deviceId: string, { width, height, framesPerSecond }: Form): Promise<MediaStreamTrack> {
  const device = { deviceId: { exact: deviceId } };
  const stream = await asked('camera', () => navigator.mediaDevices.getUserMedia(kind === 'video' ? { video: { ...device, width, height, frameRate: framesPerSecond } } : { audio: device }));
  return stream.getTracks()[0]!;
}

export interface Devices {
  cameras: MediaDeviceInfo[];
  microphones: MediaDeviceInfo[];
}

/** Without permission they have no names, and are no choice. */
export async function listDevices(): Promise<Devices> {
  const devices = ((await navigator.mediaDevices?.enumerateDevices()) ?? []).filter(({ deviceId }) => deviceId !== '');
  return { cameras: devices.filter(({ kind }) => kind === 'videoinput'), microphones: devices.filter(({ kind }) => kind === 'audioinput') };
}

/** The browser's failures have names that say what to do, and messages that do not. */
async function asked<T>(source: keyof typeof WHAT, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof DOMException)) throw cause;
    const messages: Record<string, string> = {
      NotAllowedError: `The browser may not use ${WHAT[source]}.`,
      NotFoundError: `There is no ${source === 'camera' ? 'camera or microphone' : 'screen'}.`,
      NotReadableError: `Another program uses ${WHAT[source]}.`,
      OverconstrainedError: 'The device cannot do this size or rate. Choose another one.',
    };
    throw new BeaconError(cause.name, messages[cause.name] ?? cause.message, false, { cause });
  }
}
