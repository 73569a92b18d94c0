import { describe, expect, test } from 'vitest';
import { decodeChunk, encodeChunk, MAX_CHUNK_BYTES, startsGroup, type Bytes } from '../src/chunks/header';
import { chunk, STREAM } from './chunks';
import { documented, hex, unhex, VECTOR, VECTOR_DIGEST, VECTOR_SECOND, VECTOR_SIGNATURE } from './vector';

const CONFIG = new TextEncoder().encode('{"codec":"vp8"}');
const faultOf = (bytes: Bytes) => {
  try {
    decodeChunk(bytes);
  } catch (error) {
    return (error as { fault?: string }).fault;
  }
  return 'none';
};
const changed = (at: number, value: number) => {
  const bytes = unhex(VECTOR);
  bytes[at] = value;
  return bytes;
};

describe('the chunk header', () => {
  test('is written byte for byte as the protocol document shows', () => {
    const bytes = encodeChunk(
      {
        key: true,
        audio: false,
        streamId: STREAM,
        stripe: 0,
        sequence: 42,
        timestampUs: 1_715_000_000_076_337,
        fragmentIndex: 0,
        fragmentCount: 2,
        config: CONFIG,
        proof: unhex(VECTOR_SIGNATURE + VECTOR_DIGEST),
      },
      unhex('deadbeef'),
    );
    expect(hex(bytes)).toBe(VECTOR);
  });

  test('is read back field by field', () => {
    const { bytes, payload, config, proof, ...header } = decodeChunk(unhex(VECTOR));
    expect(header).toEqual({
      key: true,
      audio: false,
      streamId: STREAM,
      stripe: 0,
      sequence: 42,
      timestampUs: 1_715_000_000_076_337,
      fragmentIndex: 0,
      fragmentCount: 2,
    });
    expect(hex(proof!)).toBe(VECTOR_SIGNATURE + VECTOR_DIGEST);
    expect(hex(payload)).toBe('deadbeef');
    expect(new TextDecoder().decode(config)).toBe('{"codec":"vp8"}');
    expect(hex(bytes)).toBe(VECTOR);
  });

  test('stands in the protocol document with the same vector', () => {
    expect(documented('chunk-vector')?.replaceAll(/\s/g, '')).toBe(VECTOR + VECTOR_SECOND);
  });

  test('is read from the middle of a larger buffer', () => {
    const buffer = new Uint8Array(400);
    buffer.set(unhex(VECTOR), 50);
    expect(decodeChunk(buffer.subarray(50, 50 + VECTOR.length / 2)).sequence).toBe(42);
  });

  test('takes the largest sequence number and refuses one byte above the largest message', () => {
    const room = MAX_CHUNK_BYTES - 38 - 64;
    const largest = chunk(0xffffffff, {}, new Uint8Array(room));
    expect(largest.sequence).toBe(0xffffffff);
    expect(largest.bytes.length).toBe(16_384);
    expect(() => chunk(1, {}, new Uint8Array(room + 1))).toThrow('too_large');
    expect(faultOf(new Uint8Array(MAX_CHUNK_BYTES + 1))).toBe('too_large');
  });

  test.each([
    ['37 bytes', unhex(VECTOR).slice(0, 37), 'too_short'],
    ['another version', changed(0, 2), 'unknown_version'],
    ['an unknown flag', changed(1, 0x2d), 'unknown_flags'],
    ['a reserved byte that is not zero', changed(3, 1), 'unknown_flags'],
    ['a fragment index as large as the count', changed(33, 2), 'bad_fragment'],
    ['no fragments at all', changed(35, 0), 'bad_fragment'],
    ['a configuration longer than the message', changed(37, 0xff), 'bad_config'],
    ['the configuration flag without configuration', changed(37, 0), 'bad_config'],
    ['configuration without its flag', changed(1, 0x09), 'bad_config'],
    ['a first fragment without proof', changed(1, 0x05), 'bad_proof'],
    ['a further fragment with proof', changed(33, 1), 'bad_proof'],
    ['a proof longer than the message', changed(34, 1), 'bad_proof'],
    ['a timestamp beyond what a double holds', changed(24, 1), 'bad_timestamp'],
  ])('with %s is refused', (_, bytes, fault) => {
    expect(faultOf(bytes)).toBe(fault);
  });

  test('begins a group only with the first fragment of a video key frame', () => {
    expect(startsGroup(chunk(1, { key: true, fragmentCount: 2 }))).toBe(true);
    expect(startsGroup(chunk(1, { key: true, fragmentCount: 2, fragmentIndex: 1 }))).toBe(false);
    expect(startsGroup(chunk(1, { key: true, audio: true }))).toBe(false);
    expect(startsGroup(chunk(1))).toBe(false);
  });

  test('begins a group where it says so, in a stripe that the key frame did not go to', () => {
    expect(startsGroup(chunk(1, { stripe: 1, group: true, fragmentCount: 2 }))).toBe(true);
    expect(startsGroup(chunk(1, { stripe: 1, group: true, fragmentCount: 2, fragmentIndex: 1 }))).toBe(false);
  });
});
