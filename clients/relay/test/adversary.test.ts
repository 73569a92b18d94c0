import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FaultKind } from '../../web/packages/beacon-client/src/gen/beacon/signaling/v1/frames_pb';
import { Hub } from './hub';
import { broadcast, crooked, until, watch, type Mischief } from './peers';

type Peer = Awaited<ReturnType<typeof watch>>;

let hub: Hub;
let root: Awaited<ReturnType<typeof broadcast>>;
let crook: Peer;
let honest: Peer;
let viewer: Peer;
let below: Peer;
const mischief: { now?: Mischief } = {};

/** The broadcaster feeds a crook and an honest relay; the viewer is the crook's child, has the honest one as standby, and feeds one more. */
beforeEach(async () => {
  delete mischief.now;
  hub = await Hub.start();
  root = await broadcast(hub);
  crook = await watch(hub, crooked(mischief));
  honest = await watch(hub);
  viewer = await watch(hub);
  below = await watch(hub);
  hub.assign(crook.peerId, root.peerId);
  hub.assign(honest.peerId, root.peerId);
  await until(() => crook.sequences().length > 0 && honest.sequences().length > 0, 'both relays receive');
  hub.assign(viewer.peerId, crook.peerId, 2);
  hub.standBy(viewer.peerId, honest.peerId);
  await until(() => honest.stream.peer!.children.length === 1 && viewer.sequences().length > 10, 'the viewer is fed and has a standby');
  hub.assign(below.peerId, viewer.peerId, 3);
  await until(() => below.sequences().length > 10, 'the last one is fed');
  for (const peer of [viewer, below]) peer.forgetBreaks();
});

afterEach(async () => {
  for (const peer of [below, viewer, honest, crook]) peer.stop();
  root.stop();
  await hub.stop();
});

const kept: { bytes?: Uint8Array<ArrayBuffer> } = {};

describe('a relay that', () => {
  test.each<[string, Mischief, FaultKind]>([
    [
      'flips a bit',
      (bytes) => {
        const copy = bytes.slice();
        copy[copy.length - 1]! ^= 1;
        return [copy];
      },
      FaultKind.BAD_CHUNK,
    ],
    ['sends what is no chunk', (bytes) => [bytes.slice(0, 20)], FaultKind.BAD_CHUNK],
    [
      'replays old chunks instead of new ones',
      (bytes) => {
        kept.bytes ??= bytes.slice();
        return [kept.bytes];
      },
      FaultKind.REPLAY,
    ],
    ['drops every tenth chunk', (bytes, index) => (index % 10 === 9 ? [] : [bytes]), FaultKind.LOSS],
    ['stops forwarding while it stays connected', () => [], FaultKind.SILENCE],
  ])('%s loses its child and the receipts, and nobody misses a picture', async (_, act, kind) => {
    delete kept.bytes;
    mischief.now = act;

    await until(() => viewer.parent() === honest.peerId, 'the viewer is fed by its standby');
    await until(() => hub.faults(viewer.peerId, crook.peerId).length > 0, 'the server is told');
    expect(hub.faults(viewer.peerId, crook.peerId)).toEqual([kind]);
    expect(crook.stream.peer!.children).toEqual([]);

    const paid = hub.receipt(viewer.peerId, crook.peerId);
    const [reports, seen] = [hub.reportsOf(viewer.peerId).length, below.sequences().length];
    await until(() => hub.reportsOf(viewer.peerId).length > reports + 4 && below.sequences().length > seen + 30, 'the stream goes on');
    expect(hub.receipt(viewer.peerId, crook.peerId)).toBe(paid);
    // Those below are not touched at all: what is false is not forwarded, and nobody is blamed for what another did.
    expect([viewer.missing(), below.missing()]).toEqual([[], []]);
    expect(hub.faults(below.peerId, viewer.peerId)).toEqual([]);
    expect(below.parent()).toBe(viewer.peerId);
    expect(viewer.longestBreakMs()).toBeLessThan(1500);
  });
});
