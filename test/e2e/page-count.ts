import type { Page } from 'playwright/test';

/** Open objects of a page that it could leave behind. */
export interface PageCount {
  readonly sockets: number;
  readonly connections: number;
  /** Of devices, canvases and copies, not those that are received. */
  readonly tracks: number;
  readonly audioContexts: number;
  /** The delays of the timers that wait, ms. */
  readonly timers: readonly number[];
}

interface Counted {
  readonly sockets: WebSocket[];
  readonly connections: RTCPeerConnection[];
  /** Of devices. */
  readonly tracks: MediaStreamTrack[];
  readonly otherTracks: MediaStreamTrack[];
  readonly audioContexts: AudioContext[];
  readonly timers: Map<unknown, number>;
}

/** Loads the page again, and keeps count of all that it opens before any of its scripts runs. */
export async function countFromStart(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const counted: Counted = {
      sockets: [],
      connections: [],
      tracks: [],
      otherTracks: [],
      audioContexts: [],
      timers: new Map(),
    };
    const { sockets, connections, tracks, otherTracks, audioContexts, timers } = counted;
    const [NativeSocket, NativeConnection, NativeContext] = [WebSocket, RTCPeerConnection, AudioContext];
    globalThis.WebSocket = class extends NativeSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    };
    globalThis.RTCPeerConnection = class extends NativeConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        connections.push(this);
      }
    };
    globalThis.AudioContext = class extends NativeContext {
      constructor(options?: AudioContextOptions) {
        super(options);
        audioContexts.push(this);
      }
    };
    const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const stream = await getUserMedia(constraints);
      tracks.push(...stream.getTracks());
      return stream;
    };
    const { captureStream } = HTMLCanvasElement.prototype;
    HTMLCanvasElement.prototype.captureStream = function (frameRate) {
      const stream = captureStream.call(this, frameRate);
      otherTracks.push(...stream.getTracks());
      return stream;
    };
    const { clone } = MediaStreamTrack.prototype;
    MediaStreamTrack.prototype.clone = function () {
      const copy = clone.call(this);
      otherTracks.push(copy);
      return copy;
    };
    type Set = (run: (...data: unknown[]) => void, ms?: number, ...data: unknown[]) => number;
    const [later, again, never] = [setTimeout as Set, setInterval as Set, clearTimeout];
    const end = (timer: number | undefined): void => {
      timers.delete(timer);
      never(timer);
    };
    Object.assign(globalThis, counted, {
      setTimeout: (run: (...data: unknown[]) => void, ms = 0, ...data: unknown[]): number => {
        const timer = later(() => {
          timers.delete(timer);
          run(...data);
        }, ms);
        timers.set(timer, ms);
        return timer;
      },
      setInterval: (run: (...data: unknown[]) => void, ms = 0, ...data: unknown[]): number => {
        const timer = again(run, ms, ...data);
        timers.set(timer, ms);
        return timer;
      },
      clearTimeout: end,
      clearInterval: end,
    });
  });
  await page.reload();
}

export function pageCount(page: Page): Promise<PageCount> {
  return page.evaluate(() => {
    const { sockets, connections, tracks, otherTracks, audioContexts, timers } = globalThis as unknown as Counted;
    return {
      sockets: sockets.filter(({ readyState }) => readyState !== WebSocket.CLOSED).length,
      connections: connections.filter(({ connectionState }) => connectionState !== 'closed').length,
      tracks: [...tracks, ...otherTracks].filter(({ readyState }) => readyState === 'live').length,
      audioContexts: audioContexts.filter(({ state }) => state !== 'closed').length,
      timers: [...timers.values()].sort((a, b) => a - b),
    };
  });
}
