import { useEffect, useState } from 'react';
import { type Publisher, Rejoin, RejoinError, type Subscriber } from 'rejoin';
import { fetchToken } from './fetch-token.ts';

export interface Call {
  readonly state: 'joining' | 'joined' | 'reconnecting' | 'rebuilding' | 'ended';
  /** This page's camera and microphone. */
  readonly publisher: Publisher | undefined;
  /** Whether the others receive them. */
  readonly isPublished: boolean;
  /** The others' streams. */
  readonly subscribers: readonly Subscriber[];
  /** The last error. Decide by its `name`. */
  readonly problem: RejoinError | undefined;
}

const NEW_CALL: Call = {
  state: 'joining',
  publisher: undefined,
  isPublished: false,
  subscribers: [],
  problem: undefined,
};

/**
 * Joins `room` while the component is mounted. The streams in it outlive the crash of a server: the same `subscribers` and
 * `publisher` go on, so nothing has to be done about a crash but to show it.
 */
export function useCall(room: string, name: string): Call {
  const [call, setCall] = useState(NEW_CALL);

  useEffect(() => {
    let isLeft = false;
    const update = (change: (call: Call) => Partial<Call>) => {
      if (!isLeft) setCall((before) => ({ ...before, ...change(before) }));
    };
    const rejoin = new Rejoin();
    const session = rejoin.initSession();
    const publisher = rejoin.initPublisher();
    setCall({ ...NEW_CALL, publisher });

    session.on('streamCreated', ({ stream }) => {
      const subscriber = session.subscribe(stream);
      update(({ subscribers }) => ({ subscribers: [...subscribers, subscriber] }));
    });
    session.on('streamDestroyed', ({ stream }) => {
      update(({ subscribers }) => ({ subscribers: subscribers.filter((one) => one.stream !== stream) }));
    });
    session.on('reconnecting', () => update(() => ({ state: 'reconnecting' })));
    session.on('rebuilding', () => update(() => ({ state: 'rebuilding' })));
    session.on('reconnected', () => update(() => ({ state: 'joined' })));
    session.on('rebuilt', () => update(() => ({ state: 'joined' })));
    session.on('sessionDisconnected', () => update(() => ({ state: 'ended', isPublished: false, subscribers: [] })));

    const join = async () => {
      try {
        await session.connect(() => fetchToken(room, name));
        update(() => ({ state: 'joined' }));
        await session.publish(publisher);
        update(() => ({ isPublished: true }));
      } catch (problem) {
        if (!(problem instanceof RejoinError)) throw problem;
        // Without a camera the others can still be seen; without a session the call is over.
        update(({ state }) => ({ problem, state: state === 'joining' ? 'ended' : state }));
      }
    };
    void join();

    // This ends whatever has begun, also a camera that is not open yet: StrictMode unmounts at once and mounts again.
    return () => {
      isLeft = true;
      session.disconnect();
      publisher.dispose();
    };
  }, [room, name]);

  return call;
}
