/**
 * The life of a session in the client, as a table. Nothing else decides what follows what; what happens outside is an
 * input, what is to be done is a list of effects, and every row has its reason above it. An input without a row in a state means
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
  | 'closeSocket';

export interface Transition {
  readonly next: SessionState;
  readonly effects: readonly SessionEffect[];
}

const row = (next: SessionState, effects: readonly SessionEffect[]): Transition => ({ next, effects });

export const TRANSITIONS: Readonly<Record<SessionState, Partial<Record<SessionInput, Transition>>>> = {
  idle: {
    // A token names the balancer and the session.
    connect: row('joining', ['fetchToken']),
  },
  joining: {
    // Over the socket that is there, or a new one.
    token: row('joining', ['sendJoin']),
    // Events of what is there come before connect() resolves.
    welcome: row('joined', ['startSession']),
    // The next socket says the same hello; its key makes it join once.
    lost: row('joining', []),
    // The session may have ended between token and join.
    tokenFailed: row('joining', ['fetchToken']),
    // The owner crashed during the join; the token died with it.
    destroyed: row('joining', ['fetchToken']),
    // The only token died with the owner.
    crashed: row('ended', ['closeSocket', 'rejectConnect']),
    // connect() always settles.
    refused: row('ended', ['closeSocket', 'rejectConnect']),
    // The session was closed at this very moment.
    evicted: row('ended', ['closeSocket', 'rejectConnect']),
    // connect() always settles.
    gaveUp: row('ended', ['sayGoodbye', 'closeSocket', 'rejectConnect']),
    // The application has changed its mind.
    disconnect: row('ended', ['sayGoodbye', 'closeSocket', 'rejectConnect']),
  },
  joined: {
    // Nothing that matters has happened, and so nothing is told.
    takenOver: row('joined', ['reconcile']),
    // The owner keeps the place for its grace.
    lost: row('reconnecting', ['announceReconnecting']),
    // A token source can bring the session back.
    destroyed: row('rebuilding', ['announceDestroyed', 'fetchToken']),
    // The application may join again, as somebody else to the others.
    crashed: row('ended', ['sayGoodbye', 'closeSocket', 'announceDestroyed', 'announceDisconnected']),
    // It read too little; what it has missed waits for it.
    lapsed: row('rebuilding', ['loseSession', 'fetchToken']),
    // The server said why.
    evicted: row('ended', ['closeSocket', 'announceDisconnected']),
    // The server ended it with an error.
    refused: row('ended', ['closeSocket', 'announceDisconnected']),
    // Others learn at once.
    disconnect: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
  },
  reconnecting: {
    // Frames missed follow, requests unanswered are sent again.
    welcome: row('joined', ['announceReconnected']),
    // The owner crashed, the session did not.
    takenOver: row('joined', ['reconcile', 'announceReconnected']),
    // This attempt failed, the next is on its way.
    lost: row('reconnecting', []),
    // It was the owner that crashed.
    destroyed: row('rebuilding', ['announceDestroyed', 'fetchToken']),
    // The application may join again, as somebody else to the others.
    crashed: row('ended', ['sayGoodbye', 'closeSocket', 'announceDestroyed', 'announceDisconnected']),
    // A laptop that has slept takes another place.
    lapsed: row('rebuilding', ['loseSession', 'fetchToken']),
    // Ended while away; the frame was kept.
    evicted: row('ended', ['closeSocket', 'announceDisconnected']),
    // There is nothing to come back to.
    refused: row('ended', ['closeSocket', 'announceDisconnected']),
    // The application has set a limit.
    gaveUp: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
    // Others need not wait for it.
    disconnect: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
  },
  rebuilding: {
    // The new life of the session has a place for this client.
    token: row('rebuilding', ['sendJoin']),
    // Same objects, new ids, new transports.
    welcome: row('joined', ['rebuildSession']),
    // The next socket says the same hello.
    lost: row('rebuilding', []),
    // The application server may be as busy as everyone else.
    tokenFailed: row('rebuilding', ['fetchToken']),
    // The next owner crashed too.
    destroyed: row('rebuilding', ['fetchToken']),
    // The new life was closed by the server.
    evicted: row('ended', ['closeSocket', 'announceDisconnected']),
    // The token source says that it is over; the others need not wait.
    refused: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
    // The application has set a limit.
    gaveUp: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
    // No more attempts after leaving.
    disconnect: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
  },
  ended: {
    // A component that was unmounted is mounted again.
    connect: row('joining', ['fetchToken']),
  },
};

/** What follows `input` in `state`; `undefined`: nothing. */
export function transition(state: SessionState, input: SessionInput): Transition | undefined {
  return TRANSITIONS[state][input];
}
