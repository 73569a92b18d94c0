/** Micro-credits as credits, exactly: 1 credit = 1,000,000. */
export function credits(microcredits: bigint): string {
  const sign = microcredits < 0n ? '−' : '';
  const absolute = microcredits < 0n ? -microcredits : microcredits;
  const fraction = (absolute % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '');
  const whole = (absolute / 1_000_000n).toLocaleString('en');
  return `${sign}${whole}${fraction ? `.${fraction}` : ''}`;
}

/** What a person typed as credits, exactly; undefined when it is no positive amount with at most six decimals. */
export function microcredits(text: string): bigint | undefined {
  const match = /^(\d{1,6})(?:\.(\d{1,6}))?$/.exec(text.trim());
  if (!match) return undefined;
  const amount = BigInt(match[1]!) * 1_000_000n + BigInt((match[2] ?? '').padEnd(6, '0'));
  return amount > 0n ? amount : undefined;
}

export function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** The end of an id: UUIDv7 ids of one minute all begin alike. */
export function shortId(id: string | undefined): string {
  return id ? id.slice(-8) : '–';
}
