import { useEffect, useRef, useState } from 'preact/hooks';
import { onThemeChange } from '../app/theme';
import { Icon } from '../design/Icon';
import { shortId } from '../format';
import { layoutTree, neighbour, type Layout, type Shape } from './layout';
import type { LiveTree } from './liveTree';
import { fit, healthOf, paint, paletteOf, type Palette, type View } from './paint';
import './tree.css';

interface Props {
  tree: LiveTree;
  /** Of the tree: the object is the same one. */
  revision: number;
  selectedId?: string;
  ownId?: string;
  shape?: Shape | undefined;
  onSelect?: (peerId: string) => void;
  /** Small and for the eye alone: no zoom, no keys. */
  still?: boolean;
}

/** A drawing takes its time; the page is left at least this many times as much to do other things. */
const REST_FACTOR = 4;
const NEAR_PX = 14;
const MAX_SCALE = 12;

const HEALTH_NAMES = { root: 'the broadcaster', good: 'good', degraded: 'degraded', orphaned: 'without a parent' };

/** The tree as a picture: who feeds whom, how deep, how strong, how well. Drawn on a canvas, so that ten thousand peers are no burden. */
export function TreePicture({ tree, revision, selectedId = '', ownId = '', shape, onSelect, still = false }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const picture = useRef<Picture>(undefined);
  const [drawn, setDrawn] = useState({ peers: 0, tookMs: 0 });
  const [hovered, setHovered] = useState('');

  useEffect(() => {
    const made = new Picture(canvas.current!, setDrawn);
    picture.current = made;
    const stop = onThemeChange(() => made.recolour());
    const resized = new ResizeObserver(() => made.resize());
    resized.observe(canvas.current!);
    return () => {
      stop();
      resized.disconnect();
      made.close();
    };
  }, []);

  useEffect(() => picture.current?.show(tree, shape), [tree, revision, shape]);
  useEffect(() => picture.current?.mark(selectedId, ownId, false), [ownId, drawn.peers]);
  useEffect(() => picture.current?.mark(selectedId, ownId, !still), [selectedId]);

  // A wheel listener of the framework is passive, and could not keep the page from scrolling.
  useEffect(() => {
    if (still) return;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      picture.current?.zoom(Math.exp(-event.deltaY * 0.0016), event.offsetX, event.offsetY);
    };
    const element = canvas.current!;
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, [still]);

  const layout = picture.current?.layout;
  const selected = layout?.indexOf.get(selectedId);
  const describe = () => {
    if (!layout || selected === undefined) return '';
    const peer = layout.peers[selected]!;
    return `Peer ${shortId(peer.peerId)}, depth ${layout.depth[selected]}, ${HEALTH_NAMES[healthOf(peer)]}, ${peer.children} of ${peer.slots} slots in use, uplink ${peer.uplinkMbps.toFixed(1)} Mbit/s.`;
  };

  const key = (event: KeyboardEvent) => {
    if (!layout?.peers.length) return;
    const ways = { ArrowUp: 'parent', ArrowDown: 'child', ArrowLeft: 'previous', ArrowRight: 'next' } as const;
    const way = ways[event.key as keyof typeof ways];
    if (way) onSelect?.(layout.peers[selected === undefined ? 0 : neighbour(layout, selected, way)]!.peerId);
    else if (event.key === '+' || event.key === '=') picture.current?.zoom(1.4);
    else if (event.key === '-') picture.current?.zoom(1 / 1.4);
    else if (event.key === '0') picture.current?.fit();
    else return;
    event.preventDefault();
  };

  const summary = `Relay tree of ${drawn.peers} peers`;
  return (
    <div class={still ? 'tree-picture still' : 'tree-picture'} data-testid="tree-picture" data-peers={drawn.peers} data-draw-ms={drawn.tookMs.toFixed(1)}>
      {still ? (
        <canvas ref={canvas} role="img" aria-label={summary} />
      ) : (
        <>
          <canvas
            ref={canvas}
            role="application"
            aria-label={`${summary}. Arrow keys go to the parent, a child, and the neighbours; plus and minus zoom; 0 shows everything.`}
            tabIndex={0}
            data-testid="tree-canvas"
            onKeyDown={key}
            onPointerDown={(event) => picture.current?.pointerDown(event)}
            onPointerMove={(event) => {
              if (!picture.current?.pointerMove(event)) setHovered(picture.current?.peerAt(event.offsetX, event.offsetY) ?? '');
            }}
            onPointerUp={(event) => {
              const picked = picture.current?.pointerUp(event);
              if (picked) onSelect?.(picked);
            }}
            onPointerCancel={(event) => picture.current?.pointerUp(event)}
            style={hovered ? 'cursor: pointer' : ''}
          />
          <div class="tree-tools">
            <button class="quiet icon" aria-label="Zoom in" onClick={() => picture.current?.zoom(1.6)}>
              <Icon name="plus" />
            </button>
            <button class="quiet icon" aria-label="Zoom out" onClick={() => picture.current?.zoom(1 / 1.6)}>
              <Icon name="minus" />
            </button>
            <button class="quiet icon" aria-label="Show the whole tree" onClick={() => picture.current?.fit()}>
              <Icon name="fit" />
            </button>
          </div>
          <p class="unseen" role="status">
            {describe()}
          </p>
        </>
      )}
    </div>
  );
}

/** The canvas and what is seen of it. */
class Picture {
  layout: Layout | undefined;
  #tree: LiveTree | undefined;
  #shape: Shape | undefined;
  #view: View | undefined;
  /** True until the person moves the picture: then it is not moved for them any more. */
  #fits = true;
  #palette: Palette;
  #selected = -1;
  #own = -1;
  #frame = 0;
  #laidOut = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #layoutMs = 0;
  readonly #pointers = new Map<number, { x: number; y: number }>();
  #pressed: { x: number; y: number } | undefined;
  #pinch = 0;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly onDrawn: (drawn: { peers: number; tookMs: number }) => void,
  ) {
    this.#palette = paletteOf(canvas.parentElement!);
    this.resize();
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
  }

  show(tree: LiveTree, shape: Shape | undefined): void {
    const isOther = tree !== this.#tree || shape !== this.#shape;
    this.#tree = tree;
    this.#shape = shape;
    if (isOther) {
      this.#fits = true;
      this.#layOut();
    } else {
      // A tree in motion is laid out again and again; a large one less often.
      const waitMs = this.#laidOut + this.#layoutMs * REST_FACTOR - performance.now();
      this.#timer ??= setTimeout(() => this.#layOut(), Math.max(0, waitMs));
    }
  }

  mark(selectedId: string, ownId: string, follow: boolean): void {
    this.#selected = this.layout?.indexOf.get(selectedId) ?? -1;
    this.#own = this.layout?.indexOf.get(ownId) ?? -1;
    if (follow && this.#selected >= 0) this.#reveal(this.#selected);
    this.#draw();
  }

  recolour(): void {
    this.#palette = paletteOf(this.canvas.parentElement!);
    this.#draw();
  }

  resize(): void {
    const { clientWidth, clientHeight } = this.canvas;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.canvas.width = Math.round(clientWidth * devicePixelRatio);
    this.canvas.height = Math.round(clientHeight * devicePixelRatio);
    if (this.#fits) this.#view = undefined;
    this.#draw();
  }

  fit(): void {
    this.#fits = true;
    this.#view = undefined;
    this.#draw();
  }

  /** Around a point of the canvas, or its middle. */
  zoom(factor: number, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2): void {
    const view = this.#view;
    if (!view || !this.layout) return;
    const least = fit(this.layout, this.canvas.clientWidth, this.canvas.clientHeight).scale / 2;
    const scale = Math.min(MAX_SCALE, Math.max(least, view.scale * factor));
    const dx = x - this.canvas.clientWidth / 2;
    const dy = y - this.canvas.clientHeight / 2;
    this.#look({ x: view.x + dx / view.scale - dx / scale, y: view.y + dy / view.scale - dy / scale, scale });
  }

  peerAt(x: number, y: number): string | undefined {
    const view = this.#view;
    if (!view || !this.layout) return undefined;
    const index = this.layout.at(
      (x - this.canvas.clientWidth / 2) / view.scale + view.x,
      (y - this.canvas.clientHeight / 2) / view.scale + view.y,
      NEAR_PX / view.scale,
    );
    return this.layout.peers[index]?.peerId;
  }

  pointerDown(event: PointerEvent): void {
    this.canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    this.#pressed = this.#pointers.size === 1 ? { x: event.offsetX, y: event.offsetY } : undefined;
    this.#pinch = this.#spread();
  }

  /** True while the picture is being moved. */
  pointerMove(event: PointerEvent): boolean {
    const before = this.#pointers.get(event.pointerId);
    if (!before || !this.#view) return false;
    const { offsetX: x, offsetY: y } = event;
    this.#pointers.set(event.pointerId, { x, y });
    if (this.#pressed && Math.hypot(x - this.#pressed.x, y - this.#pressed.y) < 4) return true;
    this.#pressed = undefined;
    const share = this.#pointers.size;
    const { scale } = this.#view;
    this.#look({ x: this.#view.x - (x - before.x) / scale / share, y: this.#view.y - (y - before.y) / scale / share, scale });
    if (share === 2) {
      const spread = this.#spread();
      const [a, b] = [...this.#pointers.values()];
      if (this.#pinch > 0) this.zoom(spread / this.#pinch, (a!.x + b!.x) / 2, (a!.y + b!.y) / 2);
      this.#pinch = spread;
    }
    return true;
  }

  /** The peer that was picked, when this was a click. */
  pointerUp(event: PointerEvent): string | undefined {
    this.#pointers.delete(event.pointerId);
    const isClick = this.#pressed !== undefined;
    this.#pressed = undefined;
    return isClick ? this.peerAt(event.offsetX, event.offsetY) : undefined;
  }

  #spread(): number {
    const [a, b] = [...this.#pointers.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  }

  #look(view: View): void {
    this.#fits = false;
    this.#view = view;
    this.#draw();
  }

  /** Moves the picture only when the peer is not in it. */
  #reveal(index: number): void {
    const { layout } = this;
    const view = this.#view;
    if (!layout || !view) return;
    const x = layout.x[index]!;
    const y = layout.y[index]!;
    const halfWidth = (this.canvas.clientWidth / 2 - 20) / view.scale;
    const halfHeight = (this.canvas.clientHeight / 2 - 20) / view.scale;
    if (Math.abs(x - view.x) > halfWidth || Math.abs(y - view.y) > halfHeight) this.#look({ x, y, scale: view.scale });
  }

  #layOut(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const selectedId = this.layout?.peers[this.#selected]?.peerId ?? '';
    const ownId = this.layout?.peers[this.#own]?.peerId ?? '';
    const began = performance.now();
    this.layout = layoutTree(this.#tree!.peers, this.#shape);
    this.#layoutMs = performance.now() - began;
    this.#laidOut = performance.now();
    this.#selected = this.layout.indexOf.get(selectedId) ?? -1;
    this.#own = this.layout.indexOf.get(ownId) ?? -1;
    if (this.#fits) this.#view = undefined;
    this.#draw();
  }

  #draw(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const { layout } = this;
      const context = this.canvas.getContext('2d', { alpha: false });
      if (!layout || !context || this.canvas.clientWidth === 0) return;
      const began = performance.now();
      this.#view ??= fit(layout, this.canvas.clientWidth, this.canvas.clientHeight);
      paint(context, layout, this.#view, this.#palette, this.#selected, this.#own);
      this.onDrawn({ peers: layout.peers.length, tookMs: this.#layoutMs + performance.now() - began });
    });
  }
}
