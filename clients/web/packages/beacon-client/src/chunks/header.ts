/** Bytes that WebCrypto, channels and sockets all take. */
export type Bytes = Uint8Array<ArrayBuffer>;

export const CHUNK_VERSION = 1;
/** The header without the codec configuration. */
export const HEADER_BYTES = 38;
/** The most that one data channel message carries. Every browser takes 16 KiB without fragmenting it at a worse layer. */
export const MAX_CHUNK_BYTES = 16_384;

const FLAG_KEY = 1;
const FLAG_AUDIO = 2;
const FLAG_CONFIG = 4;
const FLAG_SIGNED = 8;
const FLAG_GROUP = 16;
const KNOWN_FLAGS = FLAG_KEY | FLAG_AUDIO | FLAG_CONFIG | FLAG_SIGNED | FLAG_GROUP;

export const SIGNATURE_BYTES = 64;
export const DIGEST_BYTES = 32;

/** How many bytes the proof of a frame of this many fragments takes in its first chunk. */
export function proofBytes(fragmentCount: number): number {
  return SIGNATURE_BYTES + DIGEST_BYTES * (fragmentCount - 1);
}

export interface ChunkHeader {
  key: boolean;
  audio: boolean;
  /** UUID in lower-case text form. */
  streamId: string;
  stripe: number;
  /** Per stripe, one more with each chunk. */
  sequence: number;
  /** Capture clock of the broadcaster, Unix epoch in microseconds. */
  timestampUs: number;
  fragmentIndex: number;
  fragmentCount: number;
  /** The first frame of its stripe after a key frame that went to another one: here a newcomer begins. */
  group?: boolean;
  /** JSON (UTF-8) of the WebCodecs decoder configuration. */
  config?: Bytes;
  /** In the first fragment only: the broadcaster's signature, then the SHA-256 of each further fragment. */
  proof?: Bytes;
}

/** One data channel message: the header read out, and the bytes as they came, which are forwarded unchanged. */
export interface Chunk extends ChunkHeader {
  readonly bytes: Bytes;
  readonly payload: Bytes;
}

export type ChunkFault =
  | 'too_short'
  | 'too_large'
  | 'unknown_version'
  | 'unknown_flags'
  | 'bad_fragment'
  | 'bad_config'
  | 'bad_proof'
  | 'bad_timestamp';

export class ChunkFormatError extends Error {
  override readonly name = 'ChunkFormatError';

  constructor(readonly fault: ChunkFault) {
    super(`The chunk is malformed: ${fault}.`);
  }
}

export function encodeChunk(header: ChunkHeader, payload: Uint8Array): Bytes {
  const { config, proof } = header;
  const proofAt = HEADER_BYTES + (config?.length ?? 0);
  const payloadAt = proofAt + (proof?.length ?? 0);
  const total = payloadAt + payload.length;
  if (total > MAX_CHUNK_BYTES) throw new ChunkFormatError('too_large');
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  bytes[0] = CHUNK_VERSION;
  bytes[1] = (header.key ? FLAG_KEY : 0) | (header.audio ? FLAG_AUDIO : 0) | (config ? FLAG_CONFIG : 0) | (proof ? FLAG_SIGNED : 0) | (header.group ? FLAG_GROUP : 0);
  bytes[2] = header.stripe;
  bytes.set(uuidToBytes(header.streamId), 4);
  view.setUint32(20, header.sequence);
  view.setBigUint64(24, BigInt(header.timestampUs));
  view.setUint16(32, header.fragmentIndex);
  view.setUint16(34, header.fragmentCount);
  view.setUint16(36, config?.length ?? 0);
  if (config) bytes.set(config, HEADER_BYTES);
  if (proof) bytes.set(proof, proofAt);
  bytes.set(payload, payloadAt);
  return bytes;
}

/** @throws ChunkFormatError for anything that is not a well-formed chunk of version 1. */
export function decodeChunk(bytes: Bytes): Chunk {
  if (bytes.length < HEADER_BYTES) throw new ChunkFormatError('too_short');
  if (bytes.length > MAX_CHUNK_BYTES) throw new ChunkFormatError('too_large');
  if (bytes[0] !== CHUNK_VERSION) throw new ChunkFormatError('unknown_version');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(1);
  if ((flags & ~KNOWN_FLAGS) !== 0 || view.getUint8(3) !== 0) throw new ChunkFormatError('unknown_flags');
  const fragmentIndex = view.getUint16(32);
  const fragmentCount = view.getUint16(34);
  if (fragmentIndex >= fragmentCount) throw new ChunkFormatError('bad_fragment');
  const configLength = view.getUint16(36);
  const hasConfig = (flags & FLAG_CONFIG) !== 0;
  if (hasConfig !== configLength > 0 || HEADER_BYTES + configLength > bytes.length) throw new ChunkFormatError('bad_config');
  const proofAt = HEADER_BYTES + configLength;
  // Every frame is signed, in its first chunk and nowhere else.
  if (((flags & FLAG_SIGNED) !== 0) !== (fragmentIndex === 0)) throw new ChunkFormatError('bad_proof');
  const payloadAt = proofAt + (fragmentIndex === 0 ? proofBytes(fragmentCount) : 0);
  if (payloadAt > bytes.length) throw new ChunkFormatError('bad_proof');
  const timestamp = view.getBigUint64(24);
  if (timestamp > BigInt(Number.MAX_SAFE_INTEGER)) throw new ChunkFormatError('bad_timestamp');
  return {
    key: (flags & FLAG_KEY) !== 0,
    audio: (flags & FLAG_AUDIO) !== 0,
    streamId: bytesToUuid(bytes.subarray(4, 20)),
    stripe: view.getUint8(2),
    sequence: view.getUint32(20),
    timestampUs: Number(timestamp),
    fragmentIndex,
    fragmentCount,
    ...((flags & FLAG_GROUP) !== 0 ? { group: true } : {}),
    ...(hasConfig ? { config: bytes.subarray(HEADER_BYTES, proofAt) } : {}),
    ...(payloadAt > proofAt ? { proof: bytes.subarray(proofAt, payloadAt) } : {}),
    bytes,
    payload: bytes.subarray(payloadAt),
  };
}

/** True for the chunk with which a group of pictures begins in its stripe: the first fragment of a video key frame, or of the frame that says so. */
export function startsGroup(chunk: ChunkHeader): boolean {
  return chunk.fragmentIndex === 0 && (chunk.group === true || (chunk.key && !chunk.audio));
}

function uuidToBytes(uuid: string): Uint8Array {
  const hex = uuid.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new TypeError(`Not a UUID: ${uuid}`);
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

function bytesToUuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
