const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** `14:05:09`, of a Unix time in ms. */
export function clockTime(at: number): string {
  return clock.format(at);
}

/** `14:05:09.042`, of a Unix time in ms. */
export function preciseTime(at: number): string {
  return `${clock.format(at)}.${String(at % 1_000).padStart(3, '0')}`;
}

/** `812 ms` or `2.41 s`. */
export function durationText(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(2)} s`;
}
