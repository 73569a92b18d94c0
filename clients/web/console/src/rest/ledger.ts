import type { BeaconApi } from 'beacon-client';

/** Proto JSON: 64-bit integers travel as text. */
type Int64 = string;

export interface Wallet {
  accountId: string;
  balanceMicrocredits: bigint;
  earnedByRelayingMicrocredits: bigint;
  availableMicrocredits: bigint;
  withheldMicrocredits: bigint;
  frozen: boolean;
}

export interface Transfer {
  transferId: string;
  debitAccountId: string;
  creditAccountId: string;
  amountMicrocredits: Int64;
  code: string;
  reference: string;
  bookedAt: string;
  number: Int64;
  requestId: string;
}

export interface StatementEntry {
  transfer: Transfer;
  changeMicrocredits: Int64;
  balanceMicrocredits: Int64;
}

export interface StatementPage {
  openingBalanceMicrocredits: Int64;
  closingBalanceMicrocredits: Int64;
  entries: StatementEntry[];
  nextPageToken: string;
  toTransfer: Int64;
}

export interface TipReceipt {
  transferId: string;
  legs: { accountId: string; amountMicrocredits: Int64 }[];
  balanceMicrocredits: Int64;
  squadVersion: Int64;
}

export interface Squad {
  members: SquadMember[];
  version: Int64;
}

export interface SquadMember {
  accountId: string;
  shareBps: number;
}

export interface Withdrawal {
  withdrawalId: string;
  accountId: string;
  amountMicrocredits: Int64;
  state: string;
  requestedAt: string;
  expiresAt: string;
}

export interface Sponsorship {
  sponsorshipId: string;
  streamId: string;
  budgetMicrocredits: Int64;
  spentMicrocredits: Int64;
  rateMicrocreditsPerViewerMinute: Int64;
  state: string;
  createdAt: string;
  maxMicrocreditsPerHour: Int64;
  campaignMinutes: number;
}

export interface Delivery {
  viewerMs: Int64;
  spentMicrocredits: Int64;
  toRelaysMicrocredits: Int64;
  hour?: string;
}

export interface DeliveryReport {
  sponsorship: Sponsorship;
  total: Delivery;
  hours: Delivery[];
  nextPageToken: string;
}

export interface Totals {
  kinds: { kind: string; accounts: number; balanceMicrocredits: Int64 }[];
  sumMicrocredits: Int64;
  heldMicrocredits: Int64;
  withheldMicrocredits: Int64;
  atTransfer: Int64;
}

export interface AccountView {
  accountId: string;
  kind: string;
  displayName: string;
  balanceMicrocredits: Int64;
  availableMicrocredits: Int64;
  earnedByRelayingMicrocredits: Int64;
  withheldMicrocredits: Int64;
  goodWindows: number;
  frozen: boolean;
  freezes: { frozen: boolean; operatorAccountId: string; note: string; setAt: string }[];
}

/** How the path and query of a call are written. */
export function url(parts: TemplateStringsArray, ...values: (string | number | bigint)[]): string {
  return parts.reduce((path, part, index) => path + encodeURIComponent(String(values[index - 1])) + part);
}

export async function wallet(api: BeaconApi): Promise<Wallet> {
  const answer = await api.call<Record<string, string> & { frozen?: boolean }>('GET', '/api/wallet');
  return {
    accountId: answer['accountId'] ?? '',
    balanceMicrocredits: BigInt(answer['balanceMicrocredits'] ?? 0),
    earnedByRelayingMicrocredits: BigInt(answer['earnedByRelayingMicrocredits'] ?? 0),
    availableMicrocredits: BigInt(answer['availableMicrocredits'] ?? 0),
    withheldMicrocredits: BigInt(answer['withheldMicrocredits'] ?? 0),
    frozen: answer.frozen === true,
  };
}

export const transfers = (api: BeaconApi, pageToken = '') =>
  api.call<{ transfers: Transfer[]; nextPageToken: string }>('GET', url`/api/wallet/transfers?pageSize=30&pageToken=${pageToken}`);

export const statement = (api: BeaconApi, fromUnixMs: number, toUnixMs: number, pageToken = '') =>
  api.call<StatementPage>('GET', url`/api/statement?fromUnixMs=${fromUnixMs}&toUnixMs=${toUnixMs}&pageSize=200&pageToken=${pageToken}`);

/** The same transfer id again returns the first result: repeat a call whose answer was lost with the same id. */
export const tip = (api: BeaconApi, streamId: string, amountMicrocredits: bigint, transferId: string) =>
  api.call<TipReceipt>('POST', '/api/tip', { streamId, amountMicrocredits: amountMicrocredits.toString(), transferId });

export const squad = (api: BeaconApi, streamId: string) => api.call<Squad>('GET', url`/api/streams/${streamId}/squad`);

export const setSquad = (api: BeaconApi, streamId: string, members: SquadMember[]) => api.call<Squad>('PUT', url`/api/streams/${streamId}/squad`, { members });

export const withdrawals = (api: BeaconApi) => api.call<{ withdrawals: Withdrawal[] }>('GET', '/api/withdrawals?pageSize=10');

export const withdraw = (api: BeaconApi, withdrawalId: string, amountMicrocredits: bigint) =>
  api.call<{ withdrawal: Withdrawal }>('POST', '/api/withdrawals', { withdrawalId, amountMicrocredits: amountMicrocredits.toString() });

export interface NewSponsorship {
  sponsorshipId: string;
  streamId: string;
  budgetMicrocredits: bigint;
  rateMicrocreditsPerViewerMinute: bigint;
  maxMicrocreditsPerHour: bigint;
  campaignMinutes: number;
}

export const sponsor = (api: BeaconApi, { budgetMicrocredits, rateMicrocreditsPerViewerMinute, maxMicrocreditsPerHour, ...rest }: NewSponsorship) =>
  api.call<{ sponsorship: Sponsorship }>('POST', '/api/sponsorships', {
    ...rest,
    budgetMicrocredits: budgetMicrocredits.toString(),
    rateMicrocreditsPerViewerMinute: rateMicrocreditsPerViewerMinute.toString(),
    maxMicrocreditsPerHour: maxMicrocreditsPerHour.toString(),
  });

export const sponsorships = (api: BeaconApi) => api.call<{ sponsorships: Sponsorship[] }>('GET', '/api/sponsorships?pageSize=50');

export const topUp = (api: BeaconApi, sponsorshipId: string, amountMicrocredits: bigint, transferId: string) =>
  api.call<{ sponsorship: Sponsorship }>('POST', url`/api/sponsorships/${sponsorshipId}/top-up`, { transferId, amountMicrocredits: amountMicrocredits.toString() });

export const endSponsorship = (api: BeaconApi, sponsorshipId: string) =>
  api.call<{ sponsorship: Sponsorship }>('POST', url`/api/sponsorships/${sponsorshipId}/end`, {});

export const deliveries = (api: BeaconApi, sponsorshipId: string) =>
  api.call<DeliveryReport>('GET', url`/api/sponsorships/${sponsorshipId}/deliveries?pageSize=48`);

export const totals = (api: BeaconApi) => api.call<Totals>('GET', '/api/operator/totals');

export const accountView = (api: BeaconApi, accountId: string) => api.call<AccountView>('GET', url`/api/operator/account?accountId=${accountId}`);

export const setFrozen = (api: BeaconApi, accountId: string, frozen: boolean, note: string) =>
  api.call<{ frozen: boolean }>('POST', `/api/operator/account/${frozen ? 'freeze' : 'unfreeze'}`, { accountId, note });

export const deposit = (api: BeaconApi, accountId: string, amountMicrocredits: bigint, transferId: string) =>
  api.call<{ balanceMicrocredits: Int64 }>('POST', '/api/deposits', { accountId, amountMicrocredits: amountMicrocredits.toString(), transferId });

export const waitingWithdrawals = (api: BeaconApi) => api.call<{ withdrawals: Withdrawal[]; nextPageToken: string }>('GET', '/api/operator/withdrawals?pageSize=50');

export const decideWithdrawal = (api: BeaconApi, withdrawalId: string, how: 'post' | 'void', transferId: string) =>
  api.call<{ withdrawal: Withdrawal }>('POST', url`/api/operator/withdrawals/${withdrawalId}/` + how, { transferId });
