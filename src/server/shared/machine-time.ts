/**
 * The monotonic clock of the machine, ms, the same for all of its processes: for what one process stores, and another takes for over
 * later. It begins anew when the machine does.
 */
export function machineTime(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
