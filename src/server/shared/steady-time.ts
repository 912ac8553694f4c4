/**
 * Unix time, ms, as it would be if nobody had set the clock since this process began: for times that are stored and that durations are
 * measured by. A clock that is set must not make an hour of a second.
 */
export function steadyTime(): number {
  return Math.floor(performance.timeOrigin + performance.now());
}

/**
 * The monotonic clock of the machine, ms, the same for all of its processes: for what one process stores, and another takes for over a
 * few seconds later. It begins anew when the machine does.
 */
export function machineTime(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
