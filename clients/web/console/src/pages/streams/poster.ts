/** The last pictures that this tab has seen of streams, small, for their cards: the server never sees a picture. */
const PREFIX = 'beacon.poster.';
const WIDTH = 320;
const MAX_POSTERS = 24;

export function posterOf(streamId: string): string | undefined {
  return sessionStorage.getItem(PREFIX + streamId) ?? undefined;
}

export function keepPoster(streamId: string, canvas: HTMLCanvasElement): void {
  if (canvas.width === 0 || canvas.height === 0) return;
  const small = document.createElement('canvas');
  small.width = WIDTH;
  small.height = Math.round((WIDTH * canvas.height) / canvas.width);
  small.getContext('2d')?.drawImage(canvas, 0, 0, small.width, small.height);
  const kept = Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX) && key !== PREFIX + streamId);
  // Ids are UUIDv7: the smallest is the oldest.
  for (const key of kept.sort().slice(0, Math.max(0, kept.length - MAX_POSTERS + 1))) sessionStorage.removeItem(key);
  try {
    sessionStorage.setItem(PREFIX + streamId, small.toDataURL('image/jpeg', 0.6));
  } catch {
    // The store is full: a card without a picture is no harm.
  }
}
