/** What a budget buys: whole viewer-minutes, and how long it lasts with an audience at a pace; undefined when nothing bounds the time. */
export function estimate(
  budget: bigint,
  rate: bigint,
  maxPerHour: bigint,
  campaignMinutes: number,
  viewers: number,
): { viewerMinutes: bigint; minutes: number | undefined } {
  const viewerMinutes = rate > 0n ? budget / rate : 0n;
  if (viewers <= 0 || rate <= 0n) return { viewerMinutes, minutes: undefined };
  const perMinute = Number(rate) * viewers;
  const perMinuteAllowed = Math.min(perMinute, maxPerHour > 0n ? Number(maxPerHour) / 60 : Number.POSITIVE_INFINITY, campaignMinutes > 0 ? Number(budget) / campaignMinutes : Number.POSITIVE_INFINITY);
  return { viewerMinutes, minutes: Number(budget) / perMinuteAllowed };
}

/** The share of a budget that is spent, 0 to 1. */
export function spentShare(spent: string, budget: string): number {
  const all = BigInt(budget);
  return all === 0n ? 0 : Number((BigInt(spent) * 10_000n) / all) / 10_000;
}
