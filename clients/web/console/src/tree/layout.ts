import { hierarchy, tree as tidyTree } from 'd3-hierarchy';
import type { TreePeer } from '../rest/trees';

export type Shape = 'radial' | 'downwards';

/** Where every peer of a tree stands, in units of the picture. Arrays go together by index; parents stand before their children. */
export interface Layout {
  shape: Shape;
  peers: TreePeer[];
  x: Float32Array;
  y: Float32Array;
  /** Index of the parent, −1 for the root. */
  parent: Int32Array;
  depth: Int32Array;
  indexOf: Map<string, number>;
  /** Distance of each depth from the root: radii, or lines from the top. */
  levels: number[];
  /** Peers that have no place: they wait, or their parent is unknown for the moment. */
  unplaced: TreePeer[];
  bounds: { left: number; top: number; right: number; bottom: number };
  at: (x: number, y: number, within: number) => number;
}

const LEVEL = 90;
/** The most between two rings. */
const WIDEST_RING = 3 * LEVEL;
const NEIGHBOUR = 26;
/** A small tree has room to be read. */
const SMALL = 40;
const NEIGHBOUR_IN_SMALL = 60;
/** From so many peers on a tree is drawn in rings: a line would be too wide. */
const RINGS_FROM = 150;
const CELL = 64;

export function layoutTree(peers: ReadonlyMap<string, TreePeer>, wish?: Shape): Layout {
  const children = new Map<string, TreePeer[]>();
  let root: TreePeer | undefined;
  for (const peer of peers.values()) {
    // The broadcaster is the one without a parent at depth 0; who waits has none either, but is no root.
    if (!peer.parentPeerId && peer.depth === 0 && (!root || peer.children > root.children)) root = peer;
    const siblings = children.get(peer.parentPeerId);
    if (siblings) siblings.push(peer);
    else children.set(peer.parentPeerId, [peer]);
  }
  const shape = wish ?? (peers.size >= RINGS_FROM ? 'radial' : 'downwards');
  if (!root) return arrange(shape, [], [], [], peers);

  // Reached from the root, so a cycle that a moment of change might hold is never followed.
  const nodes = hierarchy(root, (peer) => children.get(peer.peerId));
  const perDepth: number[] = [];
  nodes.each(({ depth }) => (perDepth[depth] = (perDepth[depth] ?? 0) + 1));
  const levels = perDepth.map((_, depth) => depth * LEVEL);
  if (shape === 'radial') {
    // A ring is as long as its peers need, as far as that leaves the rings within it to be seen: who looks closer gets room.
    for (let depth = 1; depth < levels.length; depth++) {
      const needed = (perDepth[depth]! * NEIGHBOUR * 0.6) / (2 * Math.PI);
      levels[depth] = levels[depth - 1]! + Math.min(WIDEST_RING, Math.max(LEVEL, needed - levels[depth - 1]!));
    }
    tidyTree<TreePeer>().size([2 * Math.PI, 1]).separation((a, b) => (a.parent === b.parent ? 1 : 1.5) / Math.max(1, a.depth))(nodes);
  } else {
    tidyTree<TreePeer>().nodeSize([peers.size <= SMALL ? NEIGHBOUR_IN_SMALL : NEIGHBOUR, LEVEL]).separation((a, b) => (a.parent === b.parent ? 1 : 1.3))(nodes);
  }
  const placed: TreePeer[] = [];
  const points: [number, number][] = [];
  nodes.each((node) => {
    placed.push(node.data);
    const radius = levels[node.depth]!;
    const angle = (node.x ?? 0) - Math.PI / 2;
    points.push(shape === 'radial' ? [radius * Math.cos(angle), radius * Math.sin(angle)] : [node.x ?? 0, radius]);
  });
  return arrange(shape, placed, points, levels, peers);
}

function arrange(shape: Shape, placed: TreePeer[], points: [number, number][], levels: number[], all: ReadonlyMap<string, TreePeer>): Layout {
  const size = placed.length;
  const x = new Float32Array(size);
  const y = new Float32Array(size);
  const parent = new Int32Array(size);
  const depth = new Int32Array(size);
  const indexOf = new Map<string, number>();
  const cells = new Map<number, number[]>();
  const bounds = { left: 0, top: 0, right: 0, bottom: 0 };
  placed.forEach((peer, index) => {
    const [px, py] = points[index]!;
    x[index] = px;
    y[index] = py;
    indexOf.set(peer.peerId, index);
    parent[index] = index === 0 ? -1 : indexOf.get(peer.parentPeerId)!;
    depth[index] = index === 0 ? 0 : depth[parent[index]!]! + 1;
    bounds.left = Math.min(bounds.left, px);
    bounds.right = Math.max(bounds.right, px);
    bounds.top = Math.min(bounds.top, py);
    bounds.bottom = Math.max(bounds.bottom, py);
    const cell = cellOf(Math.floor(px / CELL), Math.floor(py / CELL));
    const inCell = cells.get(cell);
    if (inCell) inCell.push(index);
    else cells.set(cell, [index]);
  });

  /** The peer next to a point, no further than `within`; −1 = none. */
  const at = (px: number, py: number, within: number): number => {
    let nearest = -1;
    let distance = within * within;
    for (let column = Math.floor((px - within) / CELL); column <= Math.floor((px + within) / CELL); column++) {
      for (let row = Math.floor((py - within) / CELL); row <= Math.floor((py + within) / CELL); row++) {
        for (const index of cells.get(cellOf(column, row)) ?? []) {
          const d = (x[index]! - px) ** 2 + (y[index]! - py) ** 2;
          if (d > distance) continue;
          distance = d;
          nearest = index;
        }
      }
    }
    return nearest;
  };

  const unplaced = size === all.size ? [] : [...all.values()].filter(({ peerId }) => !indexOf.has(peerId));
  return { shape, peers: placed, x, y, parent, depth, indexOf, levels, unplaced, bounds, at };
}

function cellOf(column: number, row: number): number {
  return column * 0x10_0000 + row;
}

/** Who is next to a peer in the picture: what the arrow keys follow. */
export function neighbour(layout: Layout, index: number, way: 'parent' | 'child' | 'previous' | 'next'): number {
  const { parent, peers } = layout;
  if (way === 'parent') return Math.max(0, parent[index]!);
  if (way === 'child') {
    const child = parent.indexOf(index, index + 1);
    return child < 0 ? index : child;
  }
  const step = way === 'next' ? 1 : -1;
  for (let other = index + step; other >= 0 && other < peers.length; other += step) if (layout.depth[other] === layout.depth[index]) return other;
  return index;
}

/** From a peer up to the broadcaster. */
export function pathToRoot(layout: Layout, index: number): number[] {
  const path: number[] = [];
  for (let at = index; at >= 0; at = layout.parent[at]!) path.push(at);
  return path;
}
