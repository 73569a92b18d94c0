import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { ClientFrameSchema, ServerFrameSchema, type ServerFrame } from '../gen/beacon/signaling/v1/frames_pb';

export type ClientFramePayload = NonNullable<MessageInitShape<typeof ClientFrameSchema>['frame']>;
export type ServerFramePayload = ServerFrame['frame'];

export function encodeFrame(requestId: bigint, frame: ClientFramePayload, traceparent: string): Uint8Array<ArrayBuffer> {
  return toBinary(ClientFrameSchema, create(ClientFrameSchema, { requestId, frame, traceparent }));
}

export function decodeFrame(bytes: Uint8Array): ServerFrame {
  return fromBinary(ServerFrameSchema, bytes);
}
