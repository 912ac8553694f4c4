import { type Publisher, Rejoin, RejoinError, type Subscriber } from 'rejoin';
import { onScopeDispose, type ShallowRef, shallowRef } from 'vue';
import { fetchToken } from './fetch-token.ts';

export type CallState = 'joining' | 'joined' | 'reconnecting' | 'rebuilding' | 'ended';

export interface Call {
  readonly state: Readonly<ShallowRef<CallState>>;
  /** This page's camera and microphone. */
  readonly publisher: Publisher;
  /** Whether the others receive them. */
  readonly isPublished: Readonly<ShallowRef<boolean>>;
  /** The others' streams. */
  readonly subscribers: Readonly<ShallowRef<readonly Subscriber[]>>;
  /** The last error. Decide by its `name`. */
  readonly problem: Readonly<ShallowRef<RejoinError | undefined>>;
}

/**
 * Joins `room` until the component is unmounted. The streams in it outlive the crash of a server: the same `subscribers` and
 * `publisher` go on, so nothing has to be done about a crash but to show it.
 */
export function useCall(room: string, name: string): Call {
  const state = shallowRef<CallState>('joining');
  const isPublished = shallowRef(false);
  const subscribers = shallowRef<readonly Subscriber[]>([]);
  const problem = shallowRef<RejoinError>();
  const rejoin = new Rejoin();
  const session = rejoin.initSession();
  const publisher = rejoin.initPublisher();

  session.on('streamCreated', ({ stream }) => {
    subscribers.value = [...subscribers.value, session.subscribe(stream)];
  });
  session.on('streamDestroyed', ({ stream }) => {
    subscribers.value = subscribers.value.filter((one) => one.stream !== stream);
  });
  const become = (next: CallState) => () => {
    state.value = next;
  };
  session.on('reconnecting', become('reconnecting'));
  session.on('rebuilding', become('rebuilding'));
  session.on('reconnected', become('joined'));
  session.on('rebuilt', become('joined'));
  session.on('sessionDisconnected', () => {
    state.value = 'ended';
    isPublished.value = false;
    subscribers.value = [];
  });

  const join = async () => {
    try {
      await session.connect(() => fetchToken(room, name));
      state.value = 'joined';
      await session.publish(publisher);
      isPublished.value = true;
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      // Without a camera the others can still be seen; without a session the call is over.
      if (state.value === 'joining') state.value = 'ended';
      problem.value = error;
    }
  };
  void join();

  // This ends whatever has begun, also a camera that is not open yet.
  onScopeDispose(() => {
    session.disconnect();
    publisher.dispose();
  });

  return { state, publisher, isPublished, subscribers, problem };
}
