/** A W3C trace context for one request, by which an operator finds what the server did with it. */
export interface Trace {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** As it travels. */
  traceparent: string;
}

export function newTrace(): Trace {
  const traceId = randomHex(16);
  return { traceId, traceparent: `00-${traceId}-${randomHex(8)}-01` };
}

function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
