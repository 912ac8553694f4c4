/**
 * The machine's monotonic clock, ms. All its processes share it, so a time stored by one can be compared by another. It restarts with the
 * machine.
 */
export function machineTime(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
