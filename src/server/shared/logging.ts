import { type Logger, pino } from 'pino';
import type { Identity } from './identity.ts';

export type { Logger } from 'pino';

/** Logs JSON lines to stdout. Each has the node's id, and `session` and `connection` where known. */
export function createLogger(identity: Identity, level: string): Logger {
  return pino({ level, base: { node: identity.id, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime });
}
