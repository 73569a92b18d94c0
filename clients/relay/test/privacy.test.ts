import { afterEach, beforeEach, expect, test } from 'vitest';
import { Hub } from './hub';
import { broadcast, rtc, until, watch } from './peers';

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

test.each([true, false])('who hides its address (%j) says so when it joins, and tells the browser to use TURN alone', async (hides) => {
  const policies: unknown[] = [];
  const viewer = await watch(
    hub,
    (configuration) => {
      policies.push(configuration.iceTransportPolicy);
      return rtc(configuration);
    },
    hides,
  );
  hub.assign(viewer.peerId, root.peerId);
  await until(() => hub.offersOf(viewer.peerId) > 0, 'it connects to its parent');
  expect(hub.joinOf(viewer.peerId)?.relayOnly).toBe(hides);
  expect(new Set(policies)).toEqual(new Set([hides ? 'relay' : undefined]));
  viewer.stop();
});
