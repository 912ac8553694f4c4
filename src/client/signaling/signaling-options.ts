import type { SocketOptions } from './socket.ts';

export interface SignalingOptions extends SocketOptions {
  readonly now: () => number;
  /** Name and version, for the servers' logs. */
  readonly sdk: string;
}
