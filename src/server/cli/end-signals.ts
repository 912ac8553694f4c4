/** A Ctrl-C can arrive twice, from the terminal and passed on by npm: one that follows so closely is the same. */
const SAME_CTRL_C_MS = 500;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Calls `first` at the first signal that asks this process to end, and `again` at each that follows. */
export function onEndSignals(first: () => void, again: () => void): void {
  let at: number | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const now = performance.now();
      const before = at;
      if (signal === 'SIGINT' && before !== undefined && now - before < SAME_CTRL_C_MS) return;
      at = now;
      if (before === undefined) first();
      else again();
    });
  }
}

/** Calls `end` when the parent says `{ kind: 'end' }`: the whole cluster ends, nobody is left to hand anything over to. */
export function onEndWithAll(end: () => void): void {
  process.on('message', (message) => {
    if ((message as { kind?: string }).kind === 'end') end();
  });
}

/** Calls `gone` when the parent ends, or has ended, if it started this process with an IPC channel. */
export function onParentGone(gone: () => void): void {
  if (!process.send) return;
  process.on('disconnect', gone);
  if (!process.connected) gone();
}
