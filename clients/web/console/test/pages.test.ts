import type { StreamSummary } from 'beacon-client';
import { expect, test } from 'vitest';
import { formOf, tagsOf, uplinkWarning } from '../src/pages/live/form';
import { membersOf, partnersOf, restPercent } from '../src/pages/live/squad';
import { estimate, spentShare } from '../src/pages/sponsor/estimate';
import { Directory } from '../src/pages/streams/directory';
import { keepPlaces } from '../src/pages/streams/places';
import { adviceFor } from '../src/parts/advice';

const stream = (streamId: string, viewers = 0) => ({ streamId, viewers }) as StreamSummary;

test('the directory shows a whole list at once, keeps the old one until then, and follows changes', () => {
  const directory = new Directory();
  const ids = () => directory.list().map(({ streamId }) => streamId);
  expect(directory.apply({ live: stream('a', 1) })).toBe(false);
  expect(directory.apply({ live: stream('b', 5) })).toBe(false);
  expect(ids()).toEqual([]);
  expect(directory.apply({ complete: true })).toBe(true);
  expect(ids()).toEqual(['b', 'a']);
  expect(directory.apply({ live: stream('a', 9) })).toBe(true);
  expect(ids()).toEqual(['a', 'b']);
  directory.apply({ goneStreamId: 'a' });
  expect(ids()).toEqual(['b']);
  directory.restart();
  expect(directory.apply({ live: stream('c') })).toBe(false);
  expect(ids()).toEqual(['b']);
  directory.apply({ complete: true });
  expect(ids()).toEqual(['c']);
});

test('of streams with as many viewers the older stands first', () => {
  const directory = new Directory();
  for (const id of ['b', 'c', 'a']) directory.apply({ live: stream(id, 3) });
  directory.apply({ complete: true });
  expect(directory.list().map(({ streamId }) => streamId)).toEqual(['a', 'b', 'c']);
});

test('a list that is pointed at keeps its places: newcomers come last, and what is over stays', () => {
  const shown = [stream('a', 3), stream('b', 2), stream('c', 1)];
  const held = keepPlaces(shown, [stream('c', 9), stream('d', 4), stream('a', 3)]);
  expect(held).toEqual([stream('a', 3), { ...stream('b', 2), over: true }, stream('c', 9), stream('d', 4)]);
  expect(keepPlaces(held, [stream('b', 2), stream('c', 9)])).toMatchObject([{ streamId: 'a', over: true }, stream('b', 2), stream('c', 9), { streamId: 'd', over: true }]);
  expect(keepPlaces(held, [stream('b', 2)])[1]).not.toHaveProperty('over');
});

test('the form takes what the address says, and ignores what is no number', () => {
  const form = formOf(new URLSearchParams('source=pattern&title=T&bitrate=500&maxChildren=2&fps=x'), 'Ada');
  expect(form).toMatchObject({ source: 'pattern', title: 'T', bitrateKbps: 500, maxChildren: 2, framesPerSecond: 30, uplinkMbps: 10 });
  expect(formOf(new URLSearchParams('source=other'), 'Ada')).toMatchObject({ source: 'camera', title: "Ada's stream" });
});

test('tags are what the server takes', () => {
  expect(tagsOf('#Music, piano  piano\nlo-fi; Zürich')).toEqual(['music', 'piano', 'zürich']);
  expect(tagsOf(Array.from({ length: 20 }, (_, index) => `t${index}`).join(' '))).toHaveLength(10);
  expect(tagsOf('x'.repeat(33))).toEqual([]);
});

test('an uplink that feeds fewer than two viewers is warned of', () => {
  expect(uplinkWarning({ bitrateKbps: 1200, uplinkMbps: 10 })).toBe('');
  expect(uplinkWarning({ bitrateKbps: 1000, uplinkMbps: 2.5 })).toBe('');
  expect(uplinkWarning({ bitrateKbps: 1000, uplinkMbps: 2.49 })).toContain('one viewer');
  expect(uplinkWarning({ bitrateKbps: 1000, uplinkMbps: 1.2 })).toContain('anybody');
});

test('a squad adds up to all of it, with the rest for the broadcaster', () => {
  expect(membersOf('me', [])).toEqual([{ accountId: 'me', shareBps: 10_000 }]);
  const members = membersOf('me', [
    { accountId: ' ann ', percent: '33.33' },
    { accountId: 'bob', percent: '0.01' },
  ]);
  expect(members).toEqual([
    { accountId: 'me', shareBps: 6666 },
    { accountId: 'ann', shareBps: 3333 },
    { accountId: 'bob', shareBps: 1 },
  ]);
  expect(partnersOf('me', members as Exclude<typeof members, string>)).toEqual([
    { accountId: 'ann', percent: '33.33' },
    { accountId: 'bob', percent: '0.01' },
  ]);
  expect(restPercent([{ accountId: 'ann', percent: '33.33' }])).toBe(66.67);
});

test.each([
  [[{ accountId: '', percent: '10' }], 'account id'],
  [[{ accountId: 'me', percent: '10' }], 'once'],
  [[{ accountId: 'ann', percent: '10' }, { accountId: 'ann', percent: '10' }], 'once'],
  [[{ accountId: 'ann', percent: '0' }], '0.01 %'],
  [[{ accountId: 'ann', percent: '1.234' }], '0.01 %'],
  [[{ accountId: 'ann', percent: '100' }], 'yourself'],
])('a squad that cannot be is explained: %j', (partners, what) => {
  expect(membersOf('me', partners)).toContain(what);
});

test('what a budget buys, and how long it lasts at the pace that bounds it most', () => {
  expect(estimate(10_000_000n, 10_000n, 0n, 0, 10)).toEqual({ viewerMinutes: 1000n, minutes: 100 });
  expect(estimate(10_000_000n, 10_000n, 600_000n, 0, 10)).toEqual({ viewerMinutes: 1000n, minutes: 1000 });
  expect(estimate(10_000_000n, 10_000n, 0n, 500, 10)).toEqual({ viewerMinutes: 1000n, minutes: 500 });
  expect(estimate(10_000_000n, 10_000n, 0n, 0, 0)).toEqual({ viewerMinutes: 1000n, minutes: undefined });
  expect([spentShare('0', '100'), spentShare('25', '100'), spentShare('0', '0')]).toEqual([0, 0.25, 0]);
});

test('every failure says what to do, whatever it is', () => {
  expect(adviceFor({ reason: 'insufficient_credits', retryable: false })).toContain('Relay');
  expect(adviceFor({ reason: 'never_heard_of', retryable: true })).toBe('Try again in a moment.');
  expect(adviceFor({ reason: 'never_heard_of', retryable: false })).toContain('tell the operator of this server “never_heard_of”');
});
