import { describe, expect, test } from 'vitest';
import { drawBarcode, readBarcode, type Barcode } from '../src/media/barcode';
import { CaptureClock } from '../src/media/captureClock';
import { parseControl } from '../src/mesh/control';

/** Just enough of a canvas to paint rectangles in black and white. */
function paint(width: number, height: number, barcode: Barcode): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(width * height * 4).fill(90);
  drawBarcode(
    {
      fillStyle: '',
      fillRect(x, y, w, h) {
        const value = this.fillStyle === '#fff' ? 255 : 0;
        for (let row = Math.round(y); row < Math.round(y + h); row++) {
          for (let column = Math.round(x); column < Math.round(x + w); column++) pixels.fill(value, (row * width + column) * 4, (row * width + column) * 4 + 3);
        }
      },
    },
    width,
    height,
    barcode,
  );
  return pixels;
}

describe('the barcode', () => {
  test.each([
    [320, 180],
    [640, 360],
    [1280, 720],
  ])('is read back from a picture of %i × %i', (width, height) => {
    for (const barcode of [
      { frameNumber: 0, captureMs: 0 },
      { frameNumber: 65_535, captureMs: 4_294_967_295 },
      { frameNumber: 12_345, captureMs: 2_715_000_123 },
    ]) {
      expect(readBarcode(paint(width, height, barcode), width, height)).toEqual(barcode);
    }
  });

  test('wraps the frame number and the time', () => {
    const pixels = paint(320, 180, { frameNumber: 65_536 + 7, captureMs: 2 ** 32 + 9 });
    expect(readBarcode(pixels, 320, 180)).toEqual({ frameNumber: 7, captureMs: 9 });
  });

  test('is not seen in a picture that has none', () => {
    expect(readBarcode(new Uint8ClampedArray(320 * 180 * 4), 320, 180)).toBeUndefined();
    expect(readBarcode(new Uint8ClampedArray(320 * 180 * 4).fill(255), 320, 180)).toBeUndefined();
  });
});

describe('the capture clock', () => {
  test('takes the smallest delay for the true offset and never goes back', () => {
    let now = 1_000_000;
    const clock = new CaptureClock(() => now);
    expect(clock.toEpochUs(0)).toBe(1_000_000);
    now = 1_020_000;
    expect(clock.toEpochUs(33_000)).toBe(1_020_000);
    now = 1_060_000;
    expect(clock.toEpochUs(66_000)).toBe(1_053_000);
    now = 1_053_500;
    expect(clock.toEpochUs(66_500)).toBe(1_053_500);
    expect(clock.toEpochUs(66_400)).toBe(1_053_501);
  });
});

describe('control messages', () => {
  test.each([
    ['{"type":"active"}', { type: 'active' }],
    ['{"type":"from","stripe":0,"sequence":4294967295}', { type: 'from', stripe: 0, sequence: 4294967295 }],
    ['{"type":"gap","stripe":1,"from":3,"to":3}', { type: 'gap', stripe: 1, from: 3, to: 3 }],
    ['{"type":"from","stripe":0,"sequence":4294967296}', undefined],
    ['{"type":"from","stripe":256,"sequence":1}', undefined],
    ['{"type":"from","stripe":0,"sequence":"1"}', undefined],
    ['{"type":"gap","stripe":0,"from":4,"to":3}', undefined],
    ['{"type":"later"}', undefined],
    ['null', undefined],
    ['{', undefined],
  ])('%s', (text, message) => {
    expect(parseControl(text)).toEqual(message);
  });
});
