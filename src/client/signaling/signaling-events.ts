import type { ProtocolError } from '../../protocol/errors.ts';
import type { DestroyedFrame, EventFrame, WelcomeFrame } from '../../protocol/frames.ts';

export interface SignalingEvents {
  welcome: [WelcomeFrame];
  event: [EventFrame];
  /** The socket has closed and will be replaced. `code` is the close code. */
  lost: [code: number];
  retrying: [attempt: number, nextDelayMs: number];
  /** The clock has jumped: everything may have changed meanwhile. */
  late: [];
  destroyed: [DestroyedFrame];
  /** The browser refuses to open a socket to every URL of the list; this is the last. */
  impossible: [url: string, cause: unknown];
  /** Joining is impossible, or there is nothing to return to. The socket stays closed. */
  refused: [ProtocolError];
}
