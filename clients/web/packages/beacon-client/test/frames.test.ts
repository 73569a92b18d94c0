import { describe, expect, test } from 'vitest';
import { FrameAssembler } from '../src/chunks/assembler';
import { Fragmenter, type MediaFrame } from '../src/chunks/fragmenter';
import { FrameSigner } from '../src/chunks/signing';
import { decodeChunk, type Chunk } from '../src/chunks/header';
import { Resequencer } from '../src/chunks/resequencer';
import { chunk, sequences, STREAM } from './chunks';

const CONFIG = new TextEncoder().encode('{"codec":"vp8"}');

function frame(timestampUs: number, size: number, parts: Partial<MediaFrame> = {}): MediaFrame {
  const data = Uint8Array.from({ length: size }, (_, i) => (i * 7 + timestampUs) & 0xff);
  return { key: false, audio: false, timestampUs, data, ...parts };
}

const signer = await FrameSigner.create();

async function cutAll(frames: MediaFrame[]): Promise<Chunk[]> {
  const fragmenter = new Fragmenter(STREAM, 0, signer, 100);
  const cut = await Promise.all(frames.map((one) => fragmenter.cut(one)));
  return cut.flat().map((bytes) => decodeChunk(bytes));
}

function assemble(chunks: Chunk[]): MediaFrame[] {
  const frames: MediaFrame[] = [];
  const assembler = new FrameAssembler((one) => frames.push(one));
  for (const one of chunks) assembler.push(one, 0);
  return frames;
}

const times = (frames: MediaFrame[]) => frames.map(({ timestampUs }) => timestampUs);

describe('fragments', () => {
  const room = 16_384 - 38;
  // The first fragment holds the signature, and 32 bytes for each further one.
  const alone = room - 64;

  test.each([
    [0, 1],
    [alone, 1],
    [alone + 1, 2],
    [alone + room - 32, 2],
    [alone + room - 31, 3],
    [alone + 2 * (room - 32), 3],
  ])('of a frame of %i bytes are %i, and join to the same bytes', async (size, count) => {
    const original = frame(5, size, { key: true });
    const chunks = await cutAll([original]);
    expect(chunks.length).toBe(count);
    expect(sequences(chunks)).toEqual(Array.from({ length: count }, (_, i) => 100 + i));
    expect(chunks.every(({ bytes }) => bytes.length <= 16_384)).toBe(true);
    const [joined] = assemble(chunks);
    expect(Buffer.compare(joined!.data, original.data)).toBe(0);
  });

  test('carry the configuration once, in the first one, which then has less room', async () => {
    const chunks = await cutAll([frame(5, alone, { key: true, config: CONFIG })]);
    expect(chunks.map(({ config }) => config?.length)).toEqual([CONFIG.length, undefined]);
    expect(new TextDecoder().decode(assemble(chunks)[0]!.config)).toBe('{"codec":"vp8"}');
  });

  test('before the first key frame are not played', async () => {
    expect(times(assemble(await cutAll([frame(1, 10), frame(2, 10, { key: true }), frame(3, 10)])))).toEqual([2, 3]);
  });

  test('that lack one drop the frame and all pictures up to the next key frame, but no sound', async () => {
    const chunks = await cutAll([
      frame(1, 10, { key: true }),
      frame(2, 40_000),
      frame(3, 10),
      frame(4, 10, { key: true, audio: true }),
      frame(5, 10, { key: true }),
      frame(6, 10),
    ]);
    const lost = chunks.filter(({ sequence }) => sequence !== 102);
    expect(times(assemble(lost))).toEqual([1, 4, 5, 6]);
  });

  test('of a frame whose beginning was lost never complete it', async () => {
    const chunks = await cutAll([frame(1, 40_000, { key: true })]);
    expect(assemble(chunks.slice(1))).toEqual([]);
  });
});

describe('the resequencer', () => {
  const collect = (patienceMs = 500, maxHeld = 4096) => {
    const delivered: number[] = [];
    const order = new Resequencer(({ sequence }) => delivered.push(sequence), { patienceMs, maxHeld });
    return { delivered, order, push: (now: number, ...list: number[]) => list.forEach((n) => order.push(chunk(n), now)) };
  };

  test('delivers in order what comes out of order, and each chunk once', () => {
    const { delivered, push, order } = collect();
    push(0, 10, 12, 11, 11, 10, 13);
    expect(delivered).toEqual([10, 11, 12, 13]);
    expect(order.nextSequence).toBe(14);
  });

  test('knows nothing to ask for before the first chunk', () => {
    expect(collect().order.nextSequence).toBeUndefined();
  });

  test('waits for a hole exactly as long as its patience', () => {
    const { delivered, push, order } = collect(500);
    push(1000, 1, 3, 4);
    order.tick(1499);
    expect(delivered).toEqual([1]);
    order.tick(1500);
    expect(delivered).toEqual([1, 3, 4]);
    push(1501, 2);
    expect(delivered).toEqual([1, 3, 4]);
  });

  test('counts the patience of a second hole from when it was met', () => {
    const { delivered, push, order } = collect(500);
    push(0, 1, 3, 5);
    push(400, 2);
    order.tick(600);
    expect(delivered).toEqual([1, 2, 3]);
    order.tick(900);
    expect(delivered).toEqual([1, 2, 3, 5]);
  });

  test('passes over what a parent cannot serve at once', () => {
    const { delivered, push, order } = collect();
    push(0, 1);
    order.giveUp(2, 8, 0);
    push(0, 9);
    expect([delivered, order.missed]).toEqual([[1, 9], 7]);
  });

  test('ignores a gap that is not where it waits', () => {
    const { delivered, push, order } = collect();
    push(0, 1);
    order.giveUp(5, 8, 0);
    push(0, 2);
    expect(delivered).toEqual([1, 2]);
  });

  test('holds no more than its bound', () => {
    const { delivered, push } = collect(500, 3);
    push(0, 1, 3, 4, 5);
    expect(delivered).toEqual([1]);
    push(0, 6);
    expect(delivered).toEqual([1, 3, 4, 5, 6]);
  });
});
