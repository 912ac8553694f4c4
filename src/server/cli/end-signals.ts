/** A Ctrl-C can arrive twice, from the terminal and forwarded by npm. A second SIGINT within this time is ignored. */
const SAME_CTRL_C_MS = 500;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Calls `first` at the first signal to end, and `again` at each further one. */
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

/** Calls `end` when the parent sends `{ kind: 'end' }`: the whole cluster ends, so a handover would be pointless. */
export function onEndWithAll(end: () => void): void {
  process.on('message', (message) => {
    if ((message as { kind?: string }).kind === 'end') end();
  });
}

/** If the parent started this process with an IPC channel, calls `gone` when the parent ends or has already ended. */
export function onParentGone(gone: () => void): void {
  if (!process.send) return;
  process.on('disconnect', gone);
  if (!process.connected) gone();
}
