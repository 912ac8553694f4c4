import { existsSync, readFileSync } from 'node:fs';
import { BenchError } from './bench-error.ts';

/** Clock ticks per second in which Linux counts the time of processes. */
const TICKS = 100;
const USER_TIME = 13;
const SYSTEM_TIME = 14;

/** @throws {BenchError} ProcMissing */
export function requireProc(): void {
  if (existsSync('/proc/self/stat')) return;
  throw new BenchError('ProcMissing', 'The benchmark reads the use of processes from /proc: run it on Linux.');
}

/** Memory in use by a process, KB; 0 after its end. */
export function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(pid, 'status'))?.[1] ?? 0);
}

/** Processor time of a process, seconds; 0 after its end. */
export function cpuSecondsOf(pid: number): number {
  // The name, in brackets, may contain spaces.
  const fields = read(pid, 'stat').replace(/^.*\)/s, `${pid} x`).split(' ');
  return (Number(fields[USER_TIME] ?? 0) + Number(fields[SYSTEM_TIME] ?? 0)) / TICKS;
}

/**
 * Fails if the system's limits are too low for this number of connections through one balancer. It has two sockets
 * for each, and briefly also those of the dead master.
 * @throws {BenchError} TooFewDescriptors, TooFewPorts
 */
export function requireRoomFor(connections: number): void {
  const needed = 2 * connections + 1_000;
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0);
  if (limit < needed) {
    throw new BenchError(
      'TooFewDescriptors',
      `${connections} connections need ${needed} open files in a process; ${limit} are allowed. Run "ulimit -n ${needed}" first, or choose fewer with --connections.`,
    );
  }
  const [low = 0, high = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/).map(Number);
  if (high - low < needed) {
    throw new BenchError(
      'TooFewPorts',
      `${connections} connections and their return need ${needed} local ports; there are ${high - low}. Widen net.ipv4.ip_local_port_range, or choose fewer with --connections.`,
    );
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
