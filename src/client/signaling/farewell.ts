import type { ClientFrame, Resume, ServerFrame } from '../../protocol/frames.ts';
import { parseServerFrame } from '../../protocol/frames.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { Socket, type SocketOptions } from './socket.ts';

/**
 * Leaves for a client that has been told to while it had no connection: comes back once more, for nothing but to say so, as
 * others would wait for it until its place is kept no longer. Ends by itself, after `withinMs` at the latest.
 */
export function sayFarewell(
  resume: Resume,
  urls: readonly string[],
  withinMs: number,
  options: SocketOptions & { readonly sdk: string },
): void {
  let { resumeKey } = resume;
  const send = (frame: ClientFrame): void => socket.send(JSON.stringify(frame));
  const take = (frame: ServerFrame | undefined): void => {
    if (frame?.t === 'welcome') {
      resumeKey = frame.resumeKey;
      // What was asked before and not answered was given up with the session.
      const id = (frame.requestsTaken + 1) as Extract<ClientFrame, { t: 'req' }>['id'];
      send({ t: 'req', id, method: 'leave', data: {} });
    } else if (frame?.t === 'destroyed' || frame?.t === 'refused') end();
    else if (frame?.t === 'moved') hello();
  };
  const hello = (): void =>
    send({ t: 'hello', v: PROTOCOL_VERSION, sdk: options.sdk, resume: { ...resume, resumeKey } });
  const socket = new Socket(options, {
    waiting: () => {},
    open: hello,
    message: (text) => take(parseServerFrame(text)),
    impossible: () => end(),
    lost: (code) => {
      if (code === LEFT) end();
    },
  });
  const end = (): void => {
    clearTimeout(timer);
    socket.close();
  };
  const timer = setTimeout(end, withinMs);
  socket.open(urls);
}

/** The close code that answers `leave`. */
const LEFT = 4000;
