import { describe, expect, test } from 'vitest';
import { Dealer } from '../src/chunks/dealer';
import { Fragmenter } from '../src/chunks/fragmenter';
import { decodeChunk, startsGroup } from '../src/chunks/header';
import { FrameSigner } from '../src/chunks/signing';
import { STREAM } from './chunks';

async function deal(stripes: number, kinds: string) {
  const signer = await FrameSigner.create();
  const dealer = new Dealer(Array.from({ length: stripes }, (_, stripe) => new Fragmenter(STREAM, stripe, signer)));
  const cut = [...kinds].map((kind, index) => dealer.cut({ key: kind === 'K', audio: kind === 'a', timestampUs: index, data: new Uint8Array(10) }));
  return (await Promise.all(cut)).map(([bytes]) => decodeChunk(bytes!));
}

describe('the frames of a stream', () => {
  test('of one stripe all go there, as they are', async () => {
    const chunks = await deal(1, 'KdadKd');
    expect(chunks.map(({ stripe, sequence }) => `${stripe}/${sequence}`)).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5']);
    expect(chunks.filter(startsGroup).map(({ sequence }) => sequence)).toEqual([0, 4]);
    expect(chunks.some(({ group }) => group)).toBe(false);
  });

  test('go to the stripes in turn, each with numbers of its own, and the next key frame to the next stripe', async () => {
    const chunks = await deal(3, 'KdadKdddd');
    expect(chunks.map(({ stripe, sequence }) => `${stripe}/${sequence}`)).toEqual(['0/0', '1/0', '2/0', '0/1', '1/1', '2/1', '0/2', '1/2', '2/2']);
  });

  test('begin a group in every stripe once, with the first frame there after the key frame', async () => {
    const chunks = await deal(3, 'KdadKdddd');
    expect(chunks.filter(startsGroup).map(({ timestampUs }) => timestampUs)).toEqual([0, 1, 2, 4, 5, 6]);
    expect(chunks.filter(({ group }) => group).map(({ timestampUs }) => timestampUs)).toEqual([1, 2, 5, 6]);
  });
});
