import { decodeChunk, encodeChunk, proofBytes, type Chunk, type ChunkHeader } from '../src/chunks/header';

export const STREAM = '0192f3a4-b5c6-7d8e-9f01-23456789abcd';

/** A well-formed chunk that nobody signed; tests name only what matters to them. */
export function chunk(sequence: number, parts: Partial<ChunkHeader> = {}, payload = new Uint8Array([sequence & 0xff])): Chunk {
  const header: ChunkHeader = {
    key: false,
    audio: false,
    streamId: STREAM,
    stripe: 0,
    sequence,
    timestampUs: 1_700_000_000_000_000 + sequence * 1000,
    fragmentIndex: 0,
    fragmentCount: 1,
    ...parts,
  };
  if (header.fragmentIndex === 0) header.proof ??= new Uint8Array(proofBytes(header.fragmentCount));
  return decodeChunk(encodeChunk(header, payload));
}

export const keyChunk = (sequence: number) => chunk(sequence, { key: true });

export const sequences = (chunks: readonly Chunk[]) => chunks.map(({ sequence }) => sequence);
