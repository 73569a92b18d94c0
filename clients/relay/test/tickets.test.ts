import { afterEach, beforeEach, expect, test } from 'vitest';
import { Hub, type TicketFlaw } from './hub';
import { broadcast, until, watch } from './peers';

let hub: Hub;
let root: Awaited<ReturnType<typeof broadcast>>;
let parent: Awaited<ReturnType<typeof watch>>;
let honest: Awaited<ReturnType<typeof watch>>;
let outsider: Awaited<ReturnType<typeof watch>>;

/** Everybody knows everybody's id here, and every signal is passed on: all that stands between an outsider and a neighbour is the ticket. */
beforeEach(async () => {
  hub = await Hub.start();
  root = await broadcast(hub);
  parent = await watch(hub);
  honest = await watch(hub);
  outsider = await watch(hub);
  hub.assign(parent.peerId, root.peerId);
  hub.assign(honest.peerId, parent.peerId, 2);
  await until(() => honest.sequences().length > 10, 'the child with a ticket is fed');
});

afterEach(async () => {
  for (const peer of [outsider, honest, parent]) peer.stop();
  root.stop();
  await hub.stop();
});

test.each<TicketFlaw>(['missing', 'of another child', 'of another stream', 'expired', 'forged'])('a child whose ticket is %s is not let in, and disturbs nobody', async (flaw) => {
  hub.assign(outsider.peerId, parent.peerId, 2, flaw);
  await until(() => hub.offersOf(outsider.peerId) > 0, 'the outsider has asked');
  const seen = honest.sequences().length;
  await until(() => honest.sequences().length > seen + 30, 'the stream goes on');
  expect(parent.stream.peer!.children.map(({ peerId }) => peerId)).toEqual([honest.peerId]);
  expect([outsider.sequences(), outsider.parent(), honest.missing()]).toEqual([[], undefined, []]);
});

test('who was assigned nobody and offers itself as a parent is not listened to', async () => {
  const seen = honest.sequences().length;
  for (const payload of ['answer', 'candidate'] as const) hub.forge(outsider.peerId, honest.peerId, payload);
  await until(() => honest.sequences().length > seen + 30, 'the stream goes on');
  expect([honest.parent(), honest.missing()]).toEqual([parent.peerId, []]);
});
