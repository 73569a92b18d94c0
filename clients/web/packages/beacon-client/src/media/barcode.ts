/** What the test pattern writes into its pixels, and reads back from them after any number of hops. */
export interface Barcode {
  /** Counts pictures, modulo 65,536. */
  frameNumber: number;
  /** Capture time, Unix epoch in milliseconds, modulo 2³². */
  captureMs: number;
}

const BITS = 32;
/** A dark column on either side keeps the first and last bit from bleeding into the picture's edge. */
const COLUMNS = BITS + 2;
const ROWS = 3;
const TOP = 0.76;
const ROW_HEIGHT = 0.07;

/**
 * Three rows of 32 cells, white = 1, most significant bit first: the frame number and its complement; the capture time;
 * the complement of the capture time. The complements let the reader tell a barcode from any other picture.
 */
function rowsOf({ frameNumber, captureMs }: Barcode): [number, number, number] {
  const number = frameNumber & 0xffff;
  const time = captureMs >>> 0;
  return [((number << 16) | (~number & 0xffff)) >>> 0, time, ~time >>> 0];
}

export interface BarcodePainter {
  fillStyle: string | CanvasGradient | CanvasPattern;
  fillRect(x: number, y: number, width: number, height: number): void;
}

export function drawBarcode(context: BarcodePainter, width: number, height: number, barcode: Barcode): void {
  const cell = width / COLUMNS;
  const rowHeight = height * ROW_HEIGHT;
  context.fillStyle = '#000';
  context.fillRect(0, height * TOP, width, rowHeight * ROWS);
  context.fillStyle = '#fff';
  rowsOf(barcode).forEach((bits, row) => {
    for (let bit = 0; bit < BITS; bit++) {
      if ((bits >>> (BITS - 1 - bit)) & 1) context.fillRect((bit + 1) * cell, height * TOP + row * rowHeight, cell, rowHeight);
    }
  });
}

/** RGBA pixels, row by row, as ImageData has them. Undefined when they show no barcode. */
export function readBarcode(pixels: ArrayLike<number>, width: number, height: number): Barcode | undefined {
  const rows = [0, 1, 2].map((row) => {
    const y = Math.floor(height * (TOP + ROW_HEIGHT * (row + 0.5)));
    let bits = 0;
    for (let bit = 0; bit < BITS; bit++) {
      const x = Math.floor((bit + 1.5) * (width / COLUMNS));
      const at = (y * width + x) * 4;
      const light = (pixels[at] ?? 0) + (pixels[at + 1] ?? 0) + (pixels[at + 2] ?? 0) > 3 * 127;
      bits = ((bits << 1) | (light ? 1 : 0)) >>> 0;
    }
    return bits;
  });
  const [first, time, complement] = rows as [number, number, number];
  const frameNumber = first >>> 16;
  if ((~frameNumber & 0xffff) !== (first & 0xffff) || ~time >>> 0 !== complement) return undefined;
  return { frameNumber, captureMs: time };
}

/** The barcode that a canvas shows now. */
export function readCanvasBarcode(canvas: HTMLCanvasElement): Barcode | undefined {
  const { width, height } = canvas;
  const pixels = width && height ? canvas.getContext('2d')?.getImageData(0, 0, width, height) : undefined;
  return pixels && readBarcode(pixels.data, width, height);
}
