import type { StreamSummary } from 'beacon-client';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { DirectoryView } from './directory';

/** A stream where it was when somebody began to point at the list. */
export interface PlacedStream extends StreamSummary {
  /** It has ended since. */
  over?: boolean;
}

/** A mouse that rests for so long has been left there. */
const RESTING_MS = 20_000;

/** What is shown keeps its place, with what is known of it now; what has ended stays where it was, newcomers come last. */
export function keepPlaces(shown: readonly PlacedStream[], now: readonly StreamSummary[]): PlacedStream[] {
  const left = new Map(now.map((stream) => [stream.streamId, stream]));
  const kept = shown.map((stream) => {
    const known = left.get(stream.streamId);
    left.delete(stream.streamId);
    return known ?? { ...stream, over: true };
  });
  return [...kept, ...left.values()];
}

/** The streams of a directory; no card moves away from under the mouse, not even the one that it gave its next viewer. */
export function usePlaces({ streams, filter }: Pick<DirectoryView, 'streams' | 'filter'>, isPointedAt: boolean): PlacedStream[] | undefined {
  const shown = useRef<{ filter: string; streams: PlacedStream[] } | undefined>(undefined);
  if (!streams) return undefined;
  const before = shown.current;
  const placed = isPointedAt && before?.filter === filter ? keepPlaces(before.streams, streams) : streams;
  shown.current = { filter, streams: placed };
  return placed;
}

/** Whether a mouse is over an element, and what to give to the element. */
export function usePointedAt() {
  const [isPointedAt, setPointedAt] = useState(false);
  const rest = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const leave = () => {
    clearTimeout(rest.current);
    setPointedAt(false);
  };
  const move = (event: PointerEvent) => {
    if (event.pointerType !== 'mouse') return;
    clearTimeout(rest.current);
    rest.current = setTimeout(leave, RESTING_MS);
    setPointedAt(true);
  };
  useEffect(() => () => clearTimeout(rest.current), []);
  return { isPointedAt, pointer: { onPointerEnter: move, onPointerMove: move, onPointerLeave: leave } };
}
