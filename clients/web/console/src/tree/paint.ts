import { colourOf } from '../app/theme';
import { shortId } from '../format';
import type { TreePeer } from '../rest/trees';
import { pathToRoot, type Layout } from './layout';

export interface View {
  /** The point of the picture in the middle of the canvas, and pixels a unit. */
  x: number;
  y: number;
  scale: number;
}

export interface Palette {
  good: string;
  degraded: string;
  orphaned: string;
  root: string;
  edge: string;
  level: string;
  text: string;
  soft: string;
  ground: string;
}

export function paletteOf(element: Element): Palette {
  const colour = (token: string) => colourOf(element, token);
  return {
    good: colour('good'),
    degraded: colour('warn'),
    orphaned: colour('bad'),
    root: colour('accent'),
    edge: colour('line-strong'),
    level: colour('line'),
    text: colour('text'),
    soft: colour('text-soft'),
    ground: colour('surface'),
  };
}

export type Health = 'root' | 'good' | 'degraded' | 'orphaned';

export function healthOf(peer: TreePeer): Health {
  if (!peer.parentPeerId) return 'root';
  if (peer.health === 'PEER_HEALTH_DEGRADED') return 'degraded';
  return peer.health === 'PEER_HEALTH_ORPHANED' ? 'orphaned' : 'good';
}

/** Who can send more is drawn larger: the area goes with the logarithm of the uplink. */
export function radiusOf({ uplinkMbps }: TreePeer): number {
  return 3 + 2.2 * Math.log2(1 + Math.min(100, Math.max(0, uplinkMbps)));
}

export function fit(layout: Layout, width: number, height: number): View {
  const { left, right, top, bottom } = layout.bounds;
  const margin = 48;
  const scale = Math.min((width - margin) / Math.max(1, right - left), (height - margin) / Math.max(1, bottom - top), 1.6);
  return { x: (left + right) / 2, y: (top + bottom) / 2, scale: Math.max(scale, 0.005) };
}

/** Names are written when they can be read, and not more than a picture can hold. */
const NAMES_FROM_SCALE = 1.1;
const MOST_NAMES = 250;
/** From so many peers on, dots that are smaller than this are squares, which are drawn faster. */
const MANY = 2000;

export function paint(context: CanvasRenderingContext2D, layout: Layout, view: View, palette: Palette, selected: number, own: number): void {
  const ratio = devicePixelRatio;
  const { width, height } = context.canvas;
  const { scale } = view;
  const toX = (x: number) => (x - view.x) * scale + width / ratio / 2;
  const toY = (y: number) => (y - view.y) * scale + height / ratio / 2;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = palette.ground;
  context.fillRect(0, 0, width / ratio, height / ratio);
  paintLevels(context, layout, view, palette, toX, toY);

  const { peers, x, y, parent } = layout;
  const isVisible = (index: number, margin: number) => {
    const px = toX(x[index]!);
    const py = toY(y[index]!);
    return px > -margin && py > -margin && px < width / ratio + margin && py < height / ratio + margin;
  };

  context.beginPath();
  for (let index = 1; index < peers.length; index++) {
    const from = parent[index]!;
    context.moveTo(toX(x[from]!), toY(y[from]!));
    context.lineTo(toX(x[index]!), toY(y[index]!));
  }
  context.strokeStyle = palette.edge;
  context.globalAlpha = peers.length > MANY ? 0.35 : 0.7;
  context.lineWidth = Math.min(1.5, Math.max(0.3, scale * 1.5));
  context.stroke();
  context.globalAlpha = 1;

  if (selected >= 0) {
    context.beginPath();
    pathToRoot(layout, selected).forEach((index, step) => (step === 0 ? context.moveTo(toX(x[index]!), toY(y[index]!)) : context.lineTo(toX(x[index]!), toY(y[index]!))));
    context.strokeStyle = palette.text;
    context.lineWidth = 3;
    context.stroke();
  }

  const byHealth: Record<Health, number[]> = { good: [], root: [], degraded: [], orphaned: [] };
  peers.forEach((peer, index) => byHealth[healthOf(peer)].push(index));
  // What needs attention is drawn last, so that nothing lies on it.
  for (const health of ['good', 'root', 'degraded', 'orphaned'] as const) {
    context.fillStyle = palette[health];
    context.beginPath();
    for (const index of byHealth[health]) {
      if (!isVisible(index, 20)) continue;
      const radius = Math.max(health === 'good' ? 0.8 : 2.5, (health === 'root' ? 12 : radiusOf(peers[index]!)) * Math.min(1.2, scale));
      const px = toX(x[index]!);
      const py = toY(y[index]!);
      if (radius < 1.5 && peers.length > MANY) context.rect(px - radius, py - radius, radius * 2, radius * 2);
      else {
        context.moveTo(px + radius, py);
        context.arc(px, py, radius, 0, 2 * Math.PI);
      }
    }
    context.fill();
  }

  for (const [index, colour] of [
    [own, palette.soft],
    [selected, palette.text],
  ] as const) {
    if (index < 0) continue;
    context.beginPath();
    context.arc(toX(x[index]!), toY(y[index]!), Math.max(6, (radiusOf(peers[index]!) + 5) * Math.min(1.2, scale)), 0, 2 * Math.PI);
    context.strokeStyle = colour;
    context.lineWidth = 3;
    context.stroke();
  }

  if (scale < NAMES_FROM_SCALE) return;
  context.fillStyle = palette.text;
  context.font = '11px ui-monospace, "DejaVu Sans Mono", monospace';
  context.textAlign = 'center';
  context.textBaseline = 'top';
  let names = 0;
  for (let index = 0; index < peers.length && names < MOST_NAMES; index++) {
    if (!isVisible(index, 0)) continue;
    names += 1;
    // In one line neighbours are too close for their names; every second one is written a line lower.
    const lower = layout.shape === 'downwards' && index % 2 === 1 ? 12 : 0;
    context.fillText(index === 0 ? 'broadcaster' : shortId(peers[index]!.peerId).slice(-4), toX(x[index]!), toY(y[index]!) + (index === 0 ? 16 : 8 + radiusOf(peers[index]!)) + lower);
  }
}

function paintLevels(context: CanvasRenderingContext2D, { shape, levels }: Layout, view: View, palette: Palette, toX: (x: number) => number, toY: (y: number) => number): void {
  const width = context.canvas.width / devicePixelRatio;
  context.strokeStyle = palette.level;
  context.lineWidth = 1;
  context.fillStyle = palette.soft;
  context.font = '11px system-ui, sans-serif';
  context.textAlign = 'start';
  context.textBaseline = 'middle';
  levels.forEach((level, depth) => {
    if (depth === 0) return;
    context.beginPath();
    if (shape === 'radial') context.arc(toX(0), toY(0), level * view.scale, 0, 2 * Math.PI);
    else {
      context.moveTo(0, toY(level));
      context.lineTo(width, toY(level));
    }
    context.stroke();
    if (shape === 'radial') context.fillText(String(depth), toX(0) + 4, toY(-level));
    else context.fillText(`depth ${depth}`, 6, toY(level) - 8);
  });
}
