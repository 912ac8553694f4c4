/**
 * State table of a session in the client. External events are inputs, and each row lists its effects; the comment
 * above a row gives its reason. An input without a row is outdated in that state and ignored.
 */
export type SessionState = 'idle' | 'joining' | 'joined' | 'reconnecting' | 'rebuilding' | 'ended';

export type SessionInput =
  /** The application calls `connect()`. */
  | 'connect'
  /** The token source has supplied a token. */
  | 'token'
  /** The owner has welcomed this client. */
  | 'welcome'
  /** Another owner has taken over and welcomes this client. */
  | 'takenOver'
  /** The socket has closed, or has not opened. It reconnects by itself. */
  | 'lost'
  /** The session has crashed, and the source can supply another token. */
  | 'destroyed'
  /** The session has crashed, and its only token is spent. */
  | 'crashed'
  /** The server no longer keeps the connection, and the source can supply another token. */
  | 'lapsed'
  /** The token was refused or is unavailable, and another one may work. */
  | 'tokenFailed'
  /** Joining is impossible, or there is no session to return to. */
  | 'refused'
  /** The server has ended this client's connection. */
  | 'evicted'
  /** The application's time limit has passed. */
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
    // The token names the balancer and the session, so it comes first.
    connect: row('joining', ['fetchToken']),
  },
  joining: {
    // The join uses an open socket, or opens one.
    token: row('joining', ['sendJoin']),
    // Announce the present participants before connect() resolves.
    welcome: row('joined', ['startSession']),
    // The next socket repeats the hello; its key makes it join once.
    lost: row('joining', []),
    // The session may have ended between token and join.
    tokenFailed: row('joining', ['fetchToken']),
    // The owner crashed during the join, and the token died with it.
    destroyed: row('joining', ['fetchToken']),
    // The only token died with the owner.
    crashed: row('ended', ['closeSocket', 'rejectConnect']),
    // connect() always settles.
    refused: row('ended', ['closeSocket', 'rejectConnect']),
    // The server closed the session at this moment.
    evicted: row('ended', ['closeSocket', 'rejectConnect']),
    // connect() always settles.
    gaveUp: row('ended', ['sayGoodbye', 'closeSocket', 'rejectConnect']),
    // The application has changed its mind.
    disconnect: row('ended', ['sayGoodbye', 'closeSocket', 'rejectConnect']),
  },
  joined: {
    // A takeover changes nothing for the application, so it gets no event.
    takenOver: row('joined', ['reconcile']),
    // The owner keeps the connection for the grace period.
    lost: row('reconnecting', ['announceReconnecting']),
    // A token source can bring the session back.
    destroyed: row('rebuilding', ['announceDestroyed', 'fetchToken']),
    // The application may join again; the others see a new participant then.
    crashed: row('ended', ['sayGoodbye', 'closeSocket', 'announceDestroyed', 'announceDisconnected']),
    // The client read too slowly; the server keeps the missed signals for its next connection.
    lapsed: row('rebuilding', ['loseSession', 'fetchToken']),
    // The server has sent the reason.
    evicted: row('ended', ['closeSocket', 'announceDisconnected']),
    // The server ended the session with an error.
    refused: row('ended', ['closeSocket', 'announceDisconnected']),
    // The others learn of it at once.
    disconnect: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
  },
  reconnecting: {
    // The server repeats missed frames, and the client unanswered requests.
    welcome: row('joined', ['announceReconnected']),
    // The owner crashed, but the session survives.
    takenOver: row('joined', ['reconcile', 'announceReconnected']),
    // This attempt failed; the next one follows.
    lost: row('reconnecting', []),
    // The socket was lost because the owner crashed.
    destroyed: row('rebuilding', ['announceDestroyed', 'fetchToken']),
    // The application may join again; the others see a new participant then.
    crashed: row('ended', ['sayGoodbye', 'closeSocket', 'announceDestroyed', 'announceDisconnected']),
    // The client was away too long, e.g. in sleep, so it needs a new connection.
    lapsed: row('rebuilding', ['loseSession', 'fetchToken']),
    // The connection ended while the client was away; the server kept the frame.
    evicted: row('ended', ['closeSocket', 'announceDisconnected']),
    // There is no connection to return to.
    refused: row('ended', ['closeSocket', 'announceDisconnected']),
    // The application has set a limit.
    gaveUp: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
    // The others need not wait for this client.
    disconnect: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
  },
  rebuilding: {
    // The token gives this client a connection in the new life.
    token: row('rebuilding', ['sendJoin']),
    // Same objects, new ids, new transports.
    welcome: row('joined', ['rebuildSession']),
    // The next socket repeats the hello.
    lost: row('rebuilding', []),
    // The application's server may be overloaded after the crash.
    tokenFailed: row('rebuilding', ['fetchToken']),
    // The next owner crashed, too.
    destroyed: row('rebuilding', ['fetchToken']),
    // The server closed the new life.
    evicted: row('ended', ['closeSocket', 'announceDisconnected']),
    // The token source refuses for good, so the others need not wait.
    refused: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
    // The application has set a limit.
    gaveUp: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
    // No more attempts after leaving.
    disconnect: row('ended', ['sayGoodbye', 'closeSocket', 'announceDisconnected']),
  },
  ended: {
    // An application may use the object again, e.g. when a component is mounted again.
    connect: row('joining', ['fetchToken']),
  },
};

/** The row of `input` in `state`; `undefined` if the input is ignored. */
export function transition(state: SessionState, input: SessionInput): Transition | undefined {
  return TRANSITIONS[state][input];
}
