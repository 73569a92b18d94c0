import { DIGEST_BYTES, encodeChunk, HEADER_BYTES, proofBytes, SIGNATURE_BYTES, type Bytes, type Chunk, type ChunkHeader } from './header';

const CONTEXT = new TextEncoder().encode('beacon.frame.v1');

/**
 * How a broadcaster signs. P-256 is the default although Ed25519 verifies in two thirds of the time: every viewer must be able to verify, and P-256 is in
 * every browser's WebCrypto, Ed25519 only in those of the last years.
 */
export type SignatureAlgorithm = 'P-256' | 'Ed25519';

const PARAMETERS = {
  'P-256': { key: { name: 'ECDSA', namedCurve: 'P-256' }, sign: { name: 'ECDSA', hash: 'SHA-256' } },
  Ed25519: { key: { name: 'Ed25519' }, sign: { name: 'Ed25519' } },
} as const;

export async function digestOf(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** The broadcaster's private key of one broadcast. It never leaves the page. */
export class FrameSigner {
  private constructor(
    private readonly key: CryptoKey,
    private readonly algorithm: SignatureAlgorithm,
    /** The public half as JSON text, for `go-live`. */
    readonly publicJwk: string,
  ) {}

  /** Falls back to P-256 where the asked one is not supported. */
  static async create(algorithm: SignatureAlgorithm = 'P-256'): Promise<FrameSigner> {
    try {
      const pair = (await crypto.subtle.generateKey(PARAMETERS[algorithm].key, false, ['sign', 'verify'])) as CryptoKeyPair;
      const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
      return new FrameSigner(pair.privateKey, algorithm, JSON.stringify({ kty, crv, x, y }));
    } catch (error) {
      if (algorithm === 'P-256') throw error;
      return await FrameSigner.create('P-256');
    }
  }

  /** The first chunk of a frame, with its proof. */
  async sign(header: ChunkHeader, furtherDigests: readonly Bytes[], payload: Uint8Array): Promise<Bytes> {
    const proof = new Uint8Array(proofBytes(furtherDigests.length + 1));
    furtherDigests.forEach((digest, index) => proof.set(digest, SIGNATURE_BYTES + index * DIGEST_BYTES));
    const bytes = encodeChunk({ ...header, proof }, payload);
    const signatureAt = HEADER_BYTES + (header.config?.length ?? 0);
    const signature = await crypto.subtle.sign(PARAMETERS[this.algorithm].sign, this.key, signedPart(bytes, signatureAt));
    bytes.set(new Uint8Array(signature), signatureAt);
    return bytes;
  }
}

/** What is signed: the context and the first chunk without its signature. */
function signedPart(bytes: Uint8Array, signatureAt: number): Bytes {
  const part = new Uint8Array(CONTEXT.length + bytes.length - SIGNATURE_BYTES);
  part.set(CONTEXT);
  part.set(bytes.subarray(0, signatureAt), CONTEXT.length);
  part.set(bytes.subarray(signatureAt + SIGNATURE_BYTES), CONTEXT.length + signatureAt);
  return part;
}

/** A broadcaster's public key. */
export class FrameKey {
  private constructor(
    private readonly key: CryptoKey,
    private readonly algorithm: SignatureAlgorithm,
  ) {}

  /** Rejects for a key of another kind, or one that this browser cannot use. */
  static async import({ kty, crv, x, y }: JsonWebKey): Promise<FrameKey> {
    const algorithm = kty === 'EC' && crv === 'P-256' ? 'P-256' : kty === 'OKP' && crv === 'Ed25519' ? 'Ed25519' : undefined;
    if (!algorithm) throw new TypeError(`Not a key that signs frames: ${kty} ${crv}`);
    const jwk = algorithm === 'P-256' ? { kty, crv, x, y } : { kty, crv, x };
    return new FrameKey(await crypto.subtle.importKey('jwk', jwk as JsonWebKey, PARAMETERS[algorithm].key, false, ['verify']), algorithm);
  }

  /** True when this key signed the frame that the chunk begins. */
  async signed({ bytes, proof, config }: Chunk): Promise<boolean> {
    if (!proof) return false;
    const signatureAt = HEADER_BYTES + (config?.length ?? 0);
    return await crypto.subtle.verify(
      PARAMETERS[this.algorithm].sign,
      this.key,
      proof.slice(0, SIGNATURE_BYTES),
      signedPart(bytes, signatureAt),
    );
  }
}

/** The digest that the first chunk of a frame promises for its further fragment with this index. */
export function promisedDigest(first: Chunk, fragmentIndex: number): Uint8Array {
  const at = SIGNATURE_BYTES + (fragmentIndex - 1) * DIGEST_BYTES;
  return first.proof!.subarray(at, at + DIGEST_BYTES);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
