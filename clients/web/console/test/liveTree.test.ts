import { expect, test } from 'vitest';
import { LiveTree, NOTHING_HAPPENED } from '../src/tree/liveTree';
import { peer } from './trees';

const quality = { meanDepth: 1.5, idealMeanDepth: 1.25, maxDepth: 2, idealMaxDepth: 2 };
const snapshot = (peers: ReturnType<typeof peer>[], more = false) => ({ snapshot: { version: '1', peers, more, quality, waiting: 2 } });
const change = (kind: string, of: ReturnType<typeof peer>, reason = '') => ({ changes: { version: '2', waiting: 0, quality, changes: [{ kind: `TREE_CHANGE_KIND_${kind}`, peer: of, reason }] } });

test('a tree that comes in parts is shown when the last one is there', () => {
  const tree = new LiveTree();
  tree.apply(snapshot([peer('root', '')], true));
  expect([tree.peers.size, tree.revision]).toEqual([0, 0]);
  tree.apply(snapshot([peer('a', 'root')]));
  expect([...tree.peers.keys()]).toEqual(['root', 'a']);
  expect([tree.revision, tree.waiting, tree.quality]).toEqual([1, 2, quality]);
});

test('changes are followed and counted by what they mean', () => {
  const tree = new LiveTree();
  tree.apply(snapshot([peer('root', ''), peer('a', 'root'), peer('b', 'a')]));
  tree.apply(change('JOINED', peer('c', 'a'), 'joined'));
  tree.apply(change('LEFT', peer('a', '')));
  tree.apply(change('MOVED', peer('b', '')));
  tree.apply(change('MOVED', peer('b', 'root'), 'parent_left'));
  tree.apply(change('MOVED', peer('c', 'root'), 'lifted'));
  tree.apply(change('UPDATED', peer('c', 'root', { slots: 8 })));
  expect([...tree.peers.values()].map(({ peerId, parentPeerId }) => [peerId, parentPeerId])).toEqual([
    ['root', ''],
    ['b', 'root'],
    ['c', 'root'],
  ]);
  expect(tree.peers.get('c')?.slots).toBe(8);
  expect(tree.takeHappenings()).toEqual({ joined: 1, left: 1, healed: 1, improved: 1 });
  expect(tree.takeHappenings()).toEqual(NOTHING_HAPPENED);
});

test('who fell behind shows what it had until the tree is there anew', () => {
  const tree = new LiveTree();
  tree.apply(snapshot([peer('root', ''), peer('a', 'root')]));
  tree.apply({ resync: {} });
  tree.apply(snapshot([peer('root', '')], true));
  expect(tree.peers.size).toBe(2);
  tree.apply(snapshot([peer('b', 'root')]));
  expect([...tree.peers.keys()]).toEqual(['root', 'b']);
});

test('the end is told', () => {
  const tree = new LiveTree();
  tree.apply({ heartbeat: { version: '1' } });
  expect([tree.ended, tree.revision]).toEqual([false, 0]);
  tree.apply({ ended: {} });
  expect([tree.ended, tree.revision]).toEqual([true, 1]);
});
