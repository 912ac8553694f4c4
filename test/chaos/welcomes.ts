import type { ServerFrame } from '../../src/protocol/frames.ts';
import type { Welcome } from './history.ts';

/**
 * Passes every welcome of this process's sockets to `take`. The SDK does not expose the life and the epoch of a
 * session, because no application needs them.
 */
export function watchWelcomes(take: (welcome: Welcome) => void): void {
  const Native = globalThis.WebSocket;
  globalThis.WebSocket = class extends Native {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      let pieces = '';
      this.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        let frame = JSON.parse(String(data)) as ServerFrame;
        if (frame.t === 'part') {
          pieces += frame.text;
          if (!frame.last) return;
          frame = JSON.parse(pieces) as ServerFrame;
          pieces = '';
        }
        if (frame.t !== 'welcome') return;
        const { sessionId, connectionId, uniqueSessionId, epoch } = frame;
        take({ room: sessionId, connectionId, uniqueSessionId, epoch });
      });
    }
  };
}
