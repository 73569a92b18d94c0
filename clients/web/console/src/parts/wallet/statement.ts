import type { StatementEntry } from '../../rest/ledger';
import { credits } from '../../format';

const CODES: Record<string, string> = {
  TRANSFER_CODE_RELAY: 'Relaying',
  TRANSFER_CODE_TIP: 'Tip',
  TRANSFER_CODE_SPONSORSHIP_FUNDING: 'Sponsorship funded',
  TRANSFER_CODE_SPONSORSHIP: 'Sponsorship',
  TRANSFER_CODE_DEPOSIT: 'Deposit',
  TRANSFER_CODE_REFUND: 'Refund',
  TRANSFER_CODE_WITHDRAWAL: 'Withdrawal',
};

/** What a transfer was for, in words. */
export function codeName(code: string): string {
  return CODES[code] ?? code.replace('TRANSFER_CODE_', '').toLowerCase().replaceAll('_', ' ');
}

/** A cell of RFC 4180. What a spreadsheet would take for a formula is made text. */
export function csvCell(text: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Digits without separators and with a plain minus, as spreadsheets read them. */
function plainCredits(microcredits: string): string {
  return credits(BigInt(microcredits)).replaceAll(',', '').replace('−', '-');
}

/** A statement as a file for spreadsheets: RFC 4180, amounts in credits, times in UTC. */
export function statementCsv(openingMicrocredits: string, entries: readonly StatementEntry[]): string {
  const rows = [
    ['number', 'time', 'kind', 'change', 'balance', 'from', 'to', 'about', 'transfer'],
    ['', '', 'opening balance', '', plainCredits(openingMicrocredits), '', '', '', ''],
    ...entries.map(({ transfer, changeMicrocredits, balanceMicrocredits }) => [
      transfer.number,
      transfer.bookedAt,
      codeName(transfer.code),
      plainCredits(changeMicrocredits),
      plainCredits(balanceMicrocredits),
      transfer.debitAccountId,
      transfer.creditAccountId,
      transfer.reference,
      transfer.transferId,
    ]),
  ];
  return rows.map((row) => row.map(csvCell).join(',') + '\r\n').join('');
}

export const DAY_MS = 86_400_000;

/** The last days up to the end of today, as the moments after and up to which transfers count; `undefined` days = from the first transfer on. */
export function statementRange(days: number | undefined, nowMs: number): { fromUnixMs: number; toUnixMs: number } {
  return { fromUnixMs: days === undefined ? 0 : nowMs - days * DAY_MS, toUnixMs: nowMs };
}
