/** The text messages of a data channel. */
export type ChildControl =
  /** Send me this stripe from this sequence number on. */
  | { type: 'from'; stripe: number; sequence: number }
  | { type: 'active' }
  | { type: 'standby' };

export type ParentControl =
  /** I cannot serve these, both ends included. */
  | { type: 'gap'; stripe: number; from: number; to: number }
  /** I am here, and have nothing to send at the moment. */
  | { type: 'alive' }
  /** The server's word for the key that signs this stream's frames. */
  | { type: 'key'; certificate: string };

/** Undefined for anything that is not a well-formed control message: unknown ones are ignored so that newer peers can say more. */
export function parseControl(text: string): ChildControl | ParentControl | undefined {
  if (text.length > 1024) return undefined;
  let message: Record<string, unknown>;
  try {
    message = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null) return undefined;
  const { type, stripe, sequence, from, to, certificate } = message;
  if (type === 'active' || type === 'standby' || type === 'alive') return { type };
  if (type === 'from' && isStripe(stripe) && isSequence(sequence)) return { type, stripe, sequence };
  if (type === 'gap' && isStripe(stripe) && isSequence(from) && isSequence(to) && from <= to) return { type, stripe, from, to };
  if (type === 'key' && typeof certificate === 'string') return { type, certificate };
  return undefined;
}

function isSequence(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffffffff;
}

function isStripe(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xff;
}
