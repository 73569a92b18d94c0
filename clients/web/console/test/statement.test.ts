import { expect, test } from 'vitest';
import { codeName, csvCell, DAY_MS, statementCsv, statementRange } from '../src/parts/wallet/statement';
import type { StatementEntry } from '../src/rest/ledger';

const entry = (number: string, changeMicrocredits: string, balanceMicrocredits: string, reference = ''): StatementEntry => ({
  transfer: {
    transferId: `transfer-${number}`,
    debitAccountId: 'ledger:treasury',
    creditAccountId: 'guest-1',
    amountMicrocredits: changeMicrocredits.replace('-', ''),
    code: 'TRANSFER_CODE_TIP',
    reference,
    bookedAt: '2026-01-01T00:00:00Z',
    number,
    requestId: `request-${number}`,
  },
  changeMicrocredits,
  balanceMicrocredits,
});

test('a statement is a table that adds up, with plain numbers', () => {
  const csv = statementCsv('1500000', [entry('1', '2000000000', '2001500000'), entry('2', '-1', '2001499999')]);
  expect(csv).toBe(
    [
      'number,time,kind,change,balance,from,to,about,transfer',
      ',,opening balance,,1.5,,,,',
      '1,2026-01-01T00:00:00Z,Tip,2000,2001.5,ledger:treasury,guest-1,,transfer-1',
      '2,2026-01-01T00:00:00Z,Tip,-0.000001,2001.499999,ledger:treasury,guest-1,,transfer-2',
      '',
    ].join('\r\n'),
  );
});

test('a cell holds what it is given, and no formula', () => {
  expect(csvCell('a,b')).toBe('"a,b"');
  expect(csvCell('say "hi"')).toBe('"say ""hi"""');
  expect(csvCell('two\nlines')).toBe('"two\nlines"');
  expect(csvCell('=HYPERLINK("x")')).toBe('"\'=HYPERLINK(""x"")"');
  expect([csvCell('+1'), csvCell('@a'), csvCell('-cmd')]).toEqual(["'+1", "'@a", "'-cmd"]);
  expect(csvCell('-12.5')).toBe('-12.5');
});

test('the range of a statement ends now', () => {
  expect(statementRange(7, 10 * DAY_MS)).toEqual({ fromUnixMs: 3 * DAY_MS, toUnixMs: 10 * DAY_MS });
  expect(statementRange(undefined, 5)).toEqual({ fromUnixMs: 0, toUnixMs: 5 });
});

test('every kind of transfer has a name, also one that is not known yet', () => {
  expect(codeName('TRANSFER_CODE_RELAY')).toBe('Relaying');
  expect(codeName('TRANSFER_CODE_NEW_KIND')).toBe('new kind');
});
