/**
 * The life of a session in the client, as a table. Nothing else decides what follows what; what happens outside is an
 * input, what is to be done is a list of effects, and every row says why. An input without a row in a state means
 * nothing there (a late word of something that is over) and is ignored.
 */
export type SessionState = 'idle' | 'joining' | 'joined' | 'reconnecting' | 'rebuilding' | 'ended';

export type SessionInput =
  /** The application calls `connect()`. */
  | 'connect'
  /** The token source has given a token. */
  | 'token'
  /** The owner has welcomed this client. */
  | 'welcome'
  /** Another owner has taken over and welcomes this client. */
  | 'takenOver'
  /** The socket is gone, or has not opened. It comes back by itself. */
  | 'lost'
  /** The session has crashed, and another token can be had. */
  | 'destroyed'
  /** The session has crashed, and the one token there was is spent. */
  | 'crashed'
  /** The place was kept no longer, and another token can be had. */
  | 'lapsed'
  /** The token was refused, or could not be had, and another one may be better. */
  | 'tokenFailed'
  /** There is no way in, or nothing to come back to. */
  | 'refused'
  /** The server has ended this client's place. */
  | 'evicted'
  /** The time that the application has set is over. */
  | 'gaveUp'
  /** The application calls `disconnect()`. */
  | 'disconnect';

export type SessionEffect =
  | 'fetchToken'
  | 'sendJoin'
  | 'startSession'
  | 'rebuildSession'
  | 'reconcile'
  | 'announceReconnecting'
  | 'announceReconnected'
  | 'announceDestroyed'
  | 'loseSession'
  | 'announceDisconnected'
  | 'rejectConnect'
  | 'sayGoodbye'
  | 'sayFarewell'
  | 'closeSocket';

export interface Transition {
  readonly next: SessionState;
  readonly effects: readonly SessionEffect[];
  readonly why: string;
}

const row = (next: SessionState, effects: readonly SessionEffect[], why: string): Transition => ({
  next,
  effects,
  why,
});

export const TRANSITIONS: Readonly<Record<SessionState, Partial<Record<SessionInput, Transition>>>> = {
  idle: {
    connect: row('joining', ['fetchToken'], 'a token names the balancer and the session'),
  },
  joining: {
    token: row('joining', ['sendJoin'], 'over the socket that is there, or a new one'),
    welcome: row('joined', ['startSession'], 'events of what is there come before connect() resolves'),
    lost: row('joining', [], 'the next socket says the same hello; its key makes it join once'),
    tokenFailed: row('joining', ['fetchToken'], 'the session may have ended between token and join'),
    destroyed: row('joining', ['fetchToken'], 'the owner crashed during the join; the token died with it'),
    crashed: row('ended', ['closeSocket', 'rejectConnect'], 'the only token died with the owner'),
    refused: row('ended', ['closeSocket', 'rejectConnect'], 'connect() always settles'),
    evicted: row('ended', ['closeSocket', 'rejectConnect'], 'the session was closed at this very moment'),
    gaveUp: row('ended', ['closeSocket', 'rejectConnect'], 'connect() always settles'),
    disconnect: row('ended', ['closeSocket', 'rejectConnect'], 'the application has changed its mind'),
  },
  joined: {
    takenOver: row('joined', ['reconcile'], 'nothing that matters has happened, and so nothing is told'),
    lost: row('reconnecting', ['announceReconnecting'], 'the owner keeps the place for its grace'),
    destroyed: row('rebuilding', ['announceDestroyed', 'fetchToken'], 'a token source can bring the session back'),
    crashed: row(
      'ended',
      ['closeSocket', 'announceDestroyed', 'announceDisconnected'],
      'the application may join again',
    ),
    lapsed: row('rebuilding', ['loseSession', 'fetchToken'], 'it read too little; what it has missed waits for it'),
    evicted: row('ended', ['closeSocket', 'announceDisconnected'], 'the server said why'),
    refused: row('ended', ['closeSocket', 'announceDisconnected'], 'the server ended it with an error'),
    disconnect: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected'], 'others learn at once'),
  },
  reconnecting: {
    welcome: row('joined', ['announceReconnected'], 'frames missed follow, requests unanswered are sent again'),
    takenOver: row('joined', ['reconcile', 'announceReconnected'], 'the owner crashed, the session did not'),
    lost: row('reconnecting', [], 'this attempt failed, the next is on its way'),
    destroyed: row('rebuilding', ['announceDestroyed', 'fetchToken'], 'it was the owner that crashed'),
    crashed: row(
      'ended',
      ['closeSocket', 'announceDestroyed', 'announceDisconnected'],
      'the application may join again',
    ),
    lapsed: row('rebuilding', ['loseSession', 'fetchToken'], 'a laptop that has slept takes another place'),
    evicted: row('ended', ['closeSocket', 'announceDisconnected'], 'ended while away; the frame was kept'),
    refused: row('ended', ['closeSocket', 'announceDisconnected'], 'there is nothing to come back to'),
    gaveUp: row('ended', ['closeSocket', 'announceDisconnected'], 'the application has set a limit'),
    disconnect: row('ended', ['sayFarewell', 'closeSocket', 'announceDisconnected'], 'others need not wait for it'),
  },
  rebuilding: {
    token: row('rebuilding', ['sendJoin'], 'the new life of the session has a place for this client'),
    welcome: row('joined', ['rebuildSession'], 'same objects, new ids, new transports'),
    lost: row('rebuilding', [], 'the next socket says the same hello'),
    tokenFailed: row('rebuilding', ['fetchToken'], 'the application server may be as busy as everyone else'),
    destroyed: row('rebuilding', ['fetchToken'], 'the next owner crashed too'),
    evicted: row('ended', ['closeSocket', 'announceDisconnected'], 'the new life was closed by the server'),
    refused: row('ended', ['closeSocket', 'announceDisconnected'], 'the token source says that it is over'),
    gaveUp: row('ended', ['closeSocket', 'announceDisconnected'], 'the application has set a limit'),
    disconnect: row('ended', ['closeSocket', 'announceDisconnected'], 'no more attempts after leaving'),
  },
  ended: {
    connect: row('joining', ['fetchToken'], 'a component that was unmounted is mounted again'),
  },
};

/** What follows `input` in `state`; `undefined`: nothing. */
export function transition(state: SessionState, input: SessionInput): Transition | undefined {
  return TRANSITIONS[state][input];
}
