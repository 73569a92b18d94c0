/** Unix epoch in microseconds, finer than Date.now() and never set back while the page lives. */
export function epochUs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}
