import { afterEach, beforeEach, test } from 'vitest';
import { DEFAULT_CONNECT_TIMEOUT_MS } from '../../web/packages/beacon-client/src/viewerStream';
import { Hub } from './hub';
import { broadcast, until, watch } from './peers';

/** Less than the time after which a connection that has not opened is given up. */
const SOON_MS = 0.85 * DEFAULT_CONNECT_TIMEOUT_MS;

let hub: Hub;
let root: Awaited<ReturnType<typeof broadcast>>;
let viewer: Awaited<ReturnType<typeof watch>>;

beforeEach(async () => {
  hub = await Hub.start();
  root = await broadcast(hub);
  viewer = await watch(hub);
});

afterEach(async () => {
  viewer.stop();
  root.stop();
  await hub.stop();
});

const fed = () => viewer.sequences().length > 0;

test('an offer that is lost is not waited for when the server names the parent again', async () => {
  hub.offersToLose = 1;
  hub.assign(viewer.peerId, root.peerId);
  await until(() => hub.offersOf(viewer.peerId) === 1, 'it connects to its parent');
  hub.assign(viewer.peerId, root.peerId);
  await until(fed, 'it is fed', SOON_MS);
});

test('offers and answers that cross lead to a connection all the same', async () => {
  hub.assign(viewer.peerId, root.peerId);
  await until(() => hub.offersOf(viewer.peerId) === 1, 'it connects to its parent');
  // The answer to the first offer is on its way, or being made.
  hub.assign(viewer.peerId, root.peerId);
  await until(fed, 'it is fed', SOON_MS);
});
