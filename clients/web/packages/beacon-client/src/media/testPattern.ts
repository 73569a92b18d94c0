import { epochUs } from '../clock';
import { drawBarcode } from './barcode';
import { writableTrack } from './trackProcessor';

/** The shape of a test pattern. */
export interface TestPatternOptions {
  /** Pixels. Default 640. */
  width?: number;
  /** Pixels. Default 360. */
  height?: number;
  /** Default 30. */
  framesPerSecond?: number;
  /** Off for a silent pattern. */
  tone?: boolean;
}

/** A source that needs no camera. */
export interface TestPattern {
  /** One video track, and one audio track unless it is silent. */
  stream: MediaStream;
  /** Pictures made so far. */
  frameNumber: () => number;
  /** Ends the tracks. */
  stop: () => void;
}

const SAMPLE_RATE = 48_000;
const TONE_HERTZ = 440;

/**
 * A source for machines without a camera, and for tests: a moving picture with a clock to read, a barcode of frame number and
 * capture time, and a tone that sounds for the first tenth of every second.
 */
export function createTestPattern(options: TestPatternOptions = {}): TestPattern {
  const { width = 640, height = 360, framesPerSecond = 30, tone = true } = options;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { alpha: false })!;
  const video = writableTrack<VideoFrame>('video');
  const pictures = video.writable.getWriter();
  const audio = tone ? writableTrack<AudioData>('audio') : undefined;
  const sounds = audio?.writable.getWriter();
  const toneFrom = epochUs();
  let samplesMade = 0;
  let frameNumber = 0;

  const ticker = new Worker(new URL('./ticker.worker.ts', import.meta.url), { type: 'module' });
  ticker.onmessage = () => {
    const nowUs = epochUs();
    frameNumber += 1;
    paint(context, width, height, frameNumber, nowUs);
    const picture = new VideoFrame(canvas, { timestamp: nowUs });
    void pictures.write(picture).catch(() => picture.close());
    if (!sounds) return;
    const due = Math.floor(((nowUs - toneFrom) / 1_000_000) * SAMPLE_RATE);
    const count = Math.min(due - samplesMade, SAMPLE_RATE / 2);
    if (count <= 0) return;
    const sound = makeTone(samplesMade, count, toneFrom + (samplesMade / SAMPLE_RATE) * 1_000_000);
    samplesMade = due;
    void sounds.write(sound).catch(() => sound.close());
  };
  ticker.postMessage(1000 / framesPerSecond);

  const stream = new MediaStream(audio ? [video.track, audio.track] : [video.track]);
  return {
    stream,
    frameNumber: () => frameNumber,
    stop: () => {
      ticker.terminate();
      for (const track of stream.getTracks()) track.stop();
    },
  };
}

function paint(context: OffscreenCanvasRenderingContext2D, width: number, height: number, frameNumber: number, nowUs: number): void {
  const captureMs = Math.floor(nowUs / 1000);
  const hue = Math.floor(captureMs / 40) % 360;
  context.fillStyle = `hsl(${hue} 45% 24%)`;
  context.fillRect(0, 0, width, height);
  // The bar crosses the picture once in two seconds: a stutter is seen at once.
  context.fillStyle = `hsl(${hue} 70% 55%)`;
  context.fillRect(((captureMs % 2000) / 2000) * width, height * 0.12, width * 0.06, height * 0.1);
  context.fillStyle = '#fff';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.font = `600 ${Math.round(height * 0.17)}px ui-monospace, monospace`;
  context.fillText(new Date(captureMs).toISOString().slice(11, 23), width / 2, height * 0.42);
  context.font = `${Math.round(height * 0.08)}px ui-monospace, monospace`;
  context.fillText(`frame ${frameNumber}`, width / 2, height * 0.63);
  drawBarcode(context, width, height, { frameNumber, captureMs });
}

function makeTone(firstSample: number, count: number, timestampUs: number): AudioData {
  const samples = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const at = firstSample + i;
    const sounding = at % SAMPLE_RATE < SAMPLE_RATE / 10;
    samples[i] = sounding ? 0.2 * Math.sin((2 * Math.PI * TONE_HERTZ * at) / SAMPLE_RATE) : 0;
  }
  return new AudioData({
    format: 'f32-planar',
    sampleRate: SAMPLE_RATE,
    numberOfFrames: count,
    numberOfChannels: 1,
    timestamp: Math.round(timestampUs),
    data: samples,
  });
}
