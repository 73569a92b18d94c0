import { afterEach, beforeEach, expect, test } from 'vitest';
import { Hub } from './hub';
import { broadcast, rtc, until, watch } from './peers';

const SAID_MBPS = 100;

let hub: Hub;
let root: Awaited<ReturnType<typeof broadcast>>;

beforeEach(async () => {
  hub = await Hub.start();
  root = await broadcast(hub);
});

afterEach(async () => {
  root.stop();
  await hub.stop();
});

/** Connections whose channels always have as much waiting in them as a full link would leave there. */
const full: typeof rtc = (configuration) => {
  const connection = rtc(configuration);
  connection.addEventListener('datachannel', ({ channel }) => Object.defineProperty(channel, 'bufferedAmount', { get: () => 20_000 }));
  return connection;
};

test('a relay reports what it measured with the stream itself, and until then what it was told', async () => {
  const relay = await watch(hub, full);
  hub.assign(relay.peerId, root.peerId);
  const reported = () => hub.reportsOf(relay.peerId).map(({ uplinkMbps }) => uplinkMbps);
  await until(() => reported().length > 1 && relay.sequences().length > 10, 'it reports, and feeds nobody');
  expect(new Set(reported())).toEqual(new Set([SAID_MBPS]));

  // A single child that does not keep up says nothing about the relay.
  const first = await watch(hub);
  hub.assign(first.peerId, relay.peerId, 2);
  await until(() => relay.stream.peer!.measuredUplinkMbps !== undefined, 'something is measured');
  const reports = reported().length;
  await until(() => reported().length > reports + 1, 'it reports');
  expect(reported().at(-1)).toBe(SAID_MBPS);

  // Two at once do: the stream has one Mbit/s, and twice that is what leaves.
  const second = await watch(hub);
  hub.assign(second.peerId, relay.peerId, 2);
  await until(() => reported().at(-1) !== SAID_MBPS, 'it reports something else');
  expect(reported().at(-1)).toBeGreaterThan(0);
  expect(reported().at(-1)).toBeLessThan(10);
  for (const peer of [second, first, relay]) peer.stop();
});
