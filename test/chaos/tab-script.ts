import type { Rejoin } from '../../src/client/rejoin.ts';
import type { Deed, Welcome } from './history.ts';

/** Unread entries of a tab, and the state of its pictures. */
export interface TabNotes {
  deeds: (Deed & { at: number })[];
  welcomes: Welcome[];
  /** For each remote video: shown frames, and the longest gap since the last reading, ms. */
  videos: { frames: number; longestGapMs: number }[];
  state: string;
  connectionId: string | undefined;
  others: string[];
  pending: number;
}

/** The script's interface for the driver of the tab. */
export interface TabHandle {
  join(token: string | undefined): Promise<string | undefined>;
  talk(everyMs: number): void;
  hush(): void;
  leave(): void;
  notes(): TabNotes;
}

/** The globals of the page. */
interface TabGlobals {
  readonly Rejoin: { readonly Rejoin: typeof Rejoin };
  /** Gets a token; the driver of the tab provides it. */
  readonly newToken: () => Promise<string>;
  readonly welcomes: Welcome[];
}

/** Runs before the page's scripts: records the welcomes of its sockets. */
export function watchTabWelcomes(): void {
  const welcomes: Welcome[] = [];
  Object.assign(globalThis, { welcomes });
  const Native = WebSocket;
  globalThis.WebSocket = class extends Native {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      let pieces = '';
      this.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        let frame = JSON.parse(String(data));
        if (frame.t === 'part') {
          pieces += frame.text;
          if (!frame.last) return;
          frame = JSON.parse(pieces);
          pieces = '';
        }
        const { t, sessionId, connectionId, uniqueSessionId, epoch } = frame;
        if (t === 'welcome') welcomes.push({ room: sessionId, connectionId, uniqueSessionId, epoch });
      });
    }
  };
}

/**
 * Runs in the page, without access to anything outside of this function: a participant with camera who sends
 * messages.
 */
export function runTab(who: string): TabHandle {
  const globals = globalThis as unknown as TabGlobals;
  const { Rejoin: Api } = globals.Rejoin;
  const session = new Api().initSession();
  const others = new Set<{ readonly connectionId: string }>();
  const pictures = new Map<HTMLVideoElement, { frames: number; last: number; longestGapMs: number }>();
  let deeds: (Deed & { at: number })[] = [];
  let talking = 0;
  let sent = 0;
  let pending = 0;
  const add = (deed: Deed): void => {
    deeds.push({ ...deed, at: performance.timeOrigin + performance.now() });
  };
  const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error);

  session.on('signal', ({ data = '' }) => add({ what: 'received', id: data }));
  session.on('connectionCreated', ({ connection }) => {
    if (connection === session.connection) return;
    others.add(connection);
    add({ what: 'saw', event: 'connectionCreated', subject: connection.connectionId });
  });
  session.on('connectionDestroyed', ({ connection }) => {
    others.delete(connection);
    add({ what: 'saw', event: 'connectionDestroyed', subject: connection.connectionId });
  });
  session.on('streamCreated', ({ stream }) => {
    add({ what: 'saw', event: 'streamCreated', subject: stream.streamId });
    if (stream.connection !== session.connection) session.subscribe(stream, 'videos');
  });
  session.on('streamDestroyed', ({ stream }) => {
    add({ what: 'saw', event: 'streamDestroyed', subject: stream.streamId });
  });
  session.on('reconnecting', ({ plane }) => add({ what: 'reconnecting', plane }));
  session.on('reconnected', ({ kind }) => add({ what: 'reconnected', kind }));
  session.on('sessionDestroyed', () => add({ what: 'destroyed' }));
  session.on('rebuilt', () => add({ what: 'rebuilt', connectionId: session.connection?.connectionId ?? '' }));
  session.on('sessionDisconnected', ({ reason }) => add({ what: 'disconnected', reason }));
  session.on('exception', ({ name, message }) => add({ what: 'exception', name, message }));

  const watch = (video: HTMLVideoElement): void => {
    const seen = { frames: 0, last: performance.now(), longestGapMs: 0 };
    pictures.set(video, seen);
    const look = (): void => {
      const now = performance.now();
      if (seen.frames > 0) seen.longestGapMs = Math.max(seen.longestGapMs, now - seen.last);
      seen.frames += 1;
      seen.last = now;
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  };
  setInterval(() => {
    for (const video of document.querySelectorAll('video')) if (!pictures.has(video)) watch(video);
    for (const video of pictures.keys()) if (!video.isConnected) pictures.delete(video);
  }, 100);

  const say = (): void => {
    const id = `${who}:${++sent}`;
    pending += 1;
    add({ what: 'sent', id });
    session
      .signal({ data: id })
      .then(
        () => add({ what: 'resolved', id }),
        (error: unknown) => add({ what: 'rejected', id, code: codeOf(error) }),
      )
      .finally(() => {
        pending -= 1;
      });
  };

  return {
    async join(token) {
      try {
        await session.connect(token ?? globals.newToken, who);
        add({ what: 'joined', connectionId: session.connection?.connectionId ?? '' });
        const properties = { resolution: '320x240', frameRate: 10 };
        await session.publish(new Api().initPublisher(undefined, properties));
        return undefined;
      } catch (error) {
        return String((error as Error).stack ?? error);
      }
    },
    talk(everyMs) {
      talking = window.setInterval(() => {
        if (['joined', 'reconnecting', 'rebuilding'].includes(session.state)) say();
      }, everyMs);
    },
    hush: () => clearInterval(talking),
    leave() {
      add({ what: 'leaving' });
      session.disconnect();
    },
    notes() {
      const now = performance.now();
      const notes = {
        deeds,
        welcomes: globals.welcomes.splice(0),
        videos: [...pictures.values()].map(({ frames, last, longestGapMs }) => ({
          frames,
          longestGapMs: frames > 0 ? Math.max(longestGapMs, now - last) : 0,
        })),
        state: session.state,
        connectionId: session.connection?.connectionId,
        others: [...others].map(({ connectionId }) => connectionId),
        pending,
      };
      deeds = [];
      for (const seen of pictures.values()) seen.longestGapMs = 0;
      return notes;
    },
  };
}
