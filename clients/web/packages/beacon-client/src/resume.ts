/**
 * The sequence number with which a broadcaster goes on that has forgotten its last one: the stream's age in milliseconds. A stream sends far fewer than a thousand
 * chunks a second, so no number comes twice, and nothing has to be stored. The age is known because a stream id is a UUIDv7: it begins with its time of birth.
 */
export function firstSequenceOf(streamId: string, serverTimeMs: number): number {
  const hex = streamId.replaceAll('-', '');
  if (!/^[0-9a-f]{12}7/.test(hex)) throw new TypeError(`Not a UUIDv7: ${streamId}`);
  const bornMs = Number.parseInt(hex.slice(0, 12), 16);
  return Math.min(0xffffffff, Math.max(0, Math.floor(serverTimeMs - bornMs)));
}
