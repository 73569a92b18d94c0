import { describe, expect, test } from 'vitest';
import { FrameAssembler } from '../src/chunks/assembler';
import { Fragmenter, type MediaFrame } from '../src/chunks/fragmenter';
import { decodeChunk } from '../src/chunks/header';
import { FrameMerger } from '../src/chunks/merger';
import { FrameSigner } from '../src/chunks/signing';
import { STREAM } from './chunks';

const frame = (timestampUs: number): MediaFrame => ({ key: timestampUs === 0, audio: false, timestampUs, data: new Uint8Array(20_000) });

function merger(stripes: number, options: ConstructorParameters<typeof FrameMerger>[1] = {}) {
  const delivered: number[] = [];
  const merged = new FrameMerger(({ timestampUs }) => delivered.push(timestampUs), options);
  for (let stripe = 0; stripe < stripes; stripe++) merged.expect(stripe);
  return { merged, delivered };
}

describe('the frames of several stripes', () => {
  test.each([1, 2, 4])('of %i come out in order, whole, whichever stripe is ahead', async (stripes) => {
    const signer = await FrameSigner.create();
    const frames = Array.from({ length: 24 }, (_, i) => frame(i * 33_000));
    const delivered: number[] = [];
    const assembler = new FrameAssembler(({ timestampUs }) => delivered.push(timestampUs));
    for (let stripe = 0; stripe < stripes; stripe++) assembler.expect(stripe);
    // Each stripe has its own sequence numbers, and is put together by itself.
    const dealt = await Promise.all(
      Array.from({ length: stripes }, async (_, stripe) => {
        const fragmenter = new Fragmenter(STREAM, stripe, signer);
        const cut = await Promise.all(frames.filter((__, i) => i % stripes === stripe).map((one) => fragmenter.cut(one)));
        return cut.flat().map((bytes) => decodeChunk(bytes));
      }),
    );
    // The later stripes run ahead of the earlier ones.
    for (const chunk of dealt.reverse().flat()) assembler.push(chunk, 0);
    expect(delivered).toEqual([...delivered].sort((a, b) => a - b));
    // What may still be overtaken is held back until its time is over.
    assembler.tick(250);
    expect(delivered).toEqual(frames.map(({ timestampUs }) => timestampUs));
  });

  test('are dropped up to the next key frame when any stripe has a hole, for they refer to each other', async () => {
    const signer = await FrameSigner.create();
    const fragmenters = [0, 1].map((stripe) => new Fragmenter(STREAM, stripe, signer));
    const delivered: number[] = [];
    const assembler = new FrameAssembler(({ timestampUs }) => delivered.push(timestampUs));
    for (const stripe of [0, 1]) assembler.expect(stripe);
    for (let n = 0; n < 12; n++) {
      const chunks = await fragmenters[n % 2]!.cut({ ...frame(n), key: n % 6 === 0 });
      // One chunk of stripe 1 never comes.
      if (n !== 3) for (const bytes of chunks) assembler.push(decodeChunk(bytes), n);
    }
    assembler.tick(1000);
    // Number 2 still waited for stripe 1 when the hole there was seen.
    expect(delivered).toEqual([0, 1, 6, 7, 8, 9, 10, 11]);
  });

  test('wait for a stripe that is late, but only as long as their patience', () => {
    const { merged, delivered } = merger(2, { patienceMs: 250 });
    merged.push(0, frame(0), 0);
    merged.push(0, frame(2), 10);
    expect(delivered).toEqual([]);
    merged.push(1, frame(1), 20);
    expect(delivered).toEqual([0, 1]);
    merged.tick(259);
    expect(delivered).toEqual([0, 1]);
    merged.tick(260);
    expect(delivered).toEqual([0, 1, 2]);
  });

  test('never wait in larger numbers than their bound', () => {
    const { merged, delivered } = merger(2, { maxHeld: 3 });
    for (let n = 0; n < 5; n++) merged.push(0, frame(n), 0);
    expect(delivered).toEqual([0, 1]);
  });

  test('of a single stripe wait for nothing', () => {
    const { merged, delivered } = merger(1);
    merged.push(0, frame(5), 0);
    expect(delivered).toEqual([5]);
  });
});
