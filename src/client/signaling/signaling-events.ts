import type { ProtocolError } from '../../protocol/errors.ts';
import type { DestroyedFrame, EventFrame, WelcomeFrame } from '../../protocol/frames.ts';

export interface SignalingEvents {
  welcome: [WelcomeFrame];
  event: [EventFrame];
  /** The socket is gone; another is on its way. `code` as of the close. */
  lost: [code: number];
  retrying: [attempt: number, nextDelayMs: number];
  /** The clock has jumped: anything may have happened meanwhile. */
  late: [];
  destroyed: [DestroyedFrame];
  /** The browser refuses to open a socket to any URL of the list, of which this is the last. */
  impossible: [url: string, cause: unknown];
  /** There is nothing to come back to, or no way in. The socket does not come back. */
  refused: [ProtocolError];
}
