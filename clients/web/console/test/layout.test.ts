import { describe, expect, test } from 'vitest';
import { layoutTree, neighbour, pathToRoot } from '../src/tree/layout';
import { asMap, fullTree, peer } from './trees';

describe.each(['radial', 'downwards'] as const)('a tree drawn %s', (shape) => {
  test('has every peer once, its parent before it, and its depth by its parents', () => {
    const peers = fullTree(1000, 3);
    const layout = layoutTree(peers, shape);
    expect(new Set(layout.peers.map(({ peerId }) => peerId)).size).toBe(1000);
    expect(layout.unplaced).toEqual([]);
    layout.peers.forEach(({ parentPeerId }, index) => {
      const parent = layout.parent[index]!;
      expect(parent).toBeLessThan(index);
      expect(layout.peers[parent]?.peerId ?? '').toBe(parentPeerId);
      expect(layout.depth[index]).toBe(index === 0 ? 0 : layout.depth[parent]! + 1);
    });
  });

  test('stands on the ring or line of its depth', () => {
    const layout = layoutTree(fullTree(500, 4), shape);
    layout.peers.forEach((_, index) => {
      const distance = shape === 'radial' ? Math.hypot(layout.x[index]!, layout.y[index]!) : layout.y[index]!;
      expect(distance).toBeCloseTo(layout.levels[layout.depth[index]!]!, 1);
    });
    expect([...layout.levels].sort((a, b) => a - b)).toEqual(layout.levels);
  });

  test('gives no two peers the same place, and finds each at its own', () => {
    const layout = layoutTree(fullTree(2000, 4), shape);
    layout.peers.forEach((_, index) => expect(layout.at(layout.x[index]!, layout.y[index]!, 5)).toBe(index));
    expect(layout.at(layout.bounds.right + 1000, 0, 20)).toBe(-1);
  });
});

test('a peer that waits, and one whose parent is not known, have no place, and no cycle is followed', () => {
  const layout = layoutTree(
    asMap([
      peer('root', '', { children: 1 }),
      peer('a', 'root'),
      peer('waits', '', { depth: 0 }),
      peer('lost', 'gone'),
      peer('x', 'y'),
      peer('y', 'x'),
    ]),
  );
  expect(layout.peers.map(({ peerId }) => peerId)).toEqual(['root', 'a']);
  expect(layout.unplaced.map(({ peerId }) => peerId)).toEqual(['waits', 'lost', 'x', 'y']);
});

test('no peers are no picture', () => {
  const layout = layoutTree(new Map());
  expect(layout.peers).toEqual([]);
  expect(layout.at(0, 0, 10)).toBe(-1);
});

test('small trees hang down, large ones are rings', () => {
  expect(layoutTree(fullTree(20, 2)).shape).toBe('downwards');
  expect(layoutTree(fullTree(5000, 2)).shape).toBe('radial');
});

test('arrow keys go to the parent, a child and those of the same depth, and stay where there is nobody', () => {
  const layout = layoutTree(fullTree(7, 2));
  const index = (id: string) => layout.indexOf.get(id)!;
  const go = (from: string, way: Parameters<typeof neighbour>[2]) => layout.peers[neighbour(layout, index(from), way)]!.peerId;
  expect(go('peer-0', 'parent')).toBe('peer-0');
  expect(go('peer-0', 'child')).toBe('peer-1');
  expect(go('peer-5', 'parent')).toBe('peer-2');
  expect(go('peer-1', 'next')).toBe('peer-2');
  expect(go('peer-2', 'next')).toBe('peer-2');
  expect(go('peer-1', 'previous')).toBe('peer-1');
  expect(go('peer-6', 'child')).toBe('peer-6');
  expect(pathToRoot(layout, index('peer-6')).map((at) => layout.peers[at]!.peerId)).toEqual(['peer-6', 'peer-2', 'peer-0']);
});
