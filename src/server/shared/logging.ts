import { type Logger, pino } from 'pino';
import type { Identity } from './identity.ts';

export type { Logger } from 'pino';

/** JSON lines on stdout, each with the node's id; `session` and `connection` are added where they are known. */
export function createLogger(identity: Identity, level: string): Logger {
  return pino({ level, base: { node: identity.id, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime });
}
