import { fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { challengeAnswer, challengeDigest } from '../src/chunks/digests';
import { ClientFrameSchema, ServerFrameSchema } from '../src/gen/beacon/signaling/v1/frames_pb';
import { hex, unhex, vectors } from './vector';

test('the challenge of the shared vectors is answered as they say', async () => {
  const { chunk, digest, nonce, peerId, hmac } = vectors.challenge;
  expect(hex(await challengeDigest(unhex(chunk)))).toBe(digest);
  expect(hex(await challengeAnswer(unhex(nonce), unhex(digest), peerId))).toBe(hmac);
});

test.each(vectors.frames)('a frame of the shared vectors from the $from is the same in both encodings ($json)', ({ from, json, binary }) => {
  const schema = from === 'client' ? ClientFrameSchema : ServerFrameSchema;
  expect(hex(toBinary(schema, fromJson(schema, json)))).toBe(binary);
  expect(toJson(schema, fromBinary(schema, unhex(binary)))).toEqual(json);
});
