/** Micro-credits as credits, exactly, or rounded towards zero to so many decimals: 1 credit = 1,000,000. */
export function credits(microcredits: bigint, decimals = 6): string {
  const sign = microcredits < 0n ? '−' : '';
  const absolute = microcredits < 0n ? -microcredits : microcredits;
  const fraction = (absolute % 1_000_000n).toString().padStart(6, '0').slice(0, decimals).replace(/0+$/, '');
  const whole = (absolute / 1_000_000n).toLocaleString('en');
  if (whole === '0' && fraction === '') return '0';
  return `${sign}${whole}${fraction ? `.${fraction}` : ''}`;
}

/** With a sign, as in a statement. */
export function change(microcredits: bigint): string {
  return microcredits > 0n ? `+${credits(microcredits)}` : credits(microcredits);
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

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

/** How long ago, coarsely: `12 s`, `4 min`, `2 h 10 min`, `3 d`. */
export function since(from: string | number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - (typeof from === 'string' ? Date.parse(from) : from)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d`;
}

export function dateTime(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

/** A colour for a name: the same everywhere, and different for most others. */
export function hueOf(text: string): number {
  let hash = 0;
  for (const character of text) hash = (hash * 31 + character.codePointAt(0)!) | 0;
  return Math.abs(hash) % 360;
}
