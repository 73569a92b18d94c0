import type { SquadMember } from '../../rest/ledger';

/** A co-streamer as a form has it. */
export interface Partner {
  accountId: string;
  /** Of the revenue, as it was typed. */
  percent: string;
}

export const MOST_PARTNERS = 15;

/** The whole squad: the partners with their shares and the broadcaster with the rest. A text says what is wrong. */
export function membersOf(broadcasterAccountId: string, partners: readonly Partner[]): SquadMember[] | string {
  const members: SquadMember[] = [];
  for (const { accountId, percent } of partners) {
    const id = accountId.trim();
    const share = /^\d{1,3}(\.\d{1,2})?$/.test(percent.trim()) ? Math.round(Number(percent) * 100) : 0;
    if (!id) return 'Give the account id of everybody; its owner finds it in the wallet.';
    if (id === broadcasterAccountId || members.some((member) => member.accountId === id)) return 'Name everybody once; you have the rest yourself.';
    if (share < 1) return 'Give everybody a share of 0.01 % or more.';
    members.push({ accountId: id, shareBps: share });
  }
  const rest = 10_000 - members.reduce((sum, { shareBps }) => sum + shareBps, 0);
  if (rest < 1) return 'Leave a part for yourself: the shares of the others add up to 100 % or more.';
  return [{ accountId: broadcasterAccountId, shareBps: rest }, ...members];
}

export function partnersOf(broadcasterAccountId: string, members: readonly SquadMember[]): Partner[] {
  return members.filter(({ accountId }) => accountId !== broadcasterAccountId).map(({ accountId, shareBps }) => ({ accountId, percent: String(shareBps / 100) }));
}

/** What is left for the broadcaster, in percent. */
export function restPercent(partners: readonly Partner[]): number {
  return Math.round((100 - partners.reduce((sum, { percent }) => sum + (Number(percent) || 0), 0)) * 100) / 100;
}
