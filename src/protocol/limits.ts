/** Sizes and times that both sides observe. Milliseconds and bytes. */
export const LIMITS = {
  /** Largest WebSocket frame from a client. A publish request with simulcast needs about 4 KB. */
  frameBytes: 64 * 1024,
  /**
   * Longer frames to a client are split into parts of this length, in characters. Each part must arrive within the client's heartbeat
   * timeout, so that a link of 8 KB/s still works.
   */
  partLength: 16 * 1024,
  /** After this many parts, a client reports how many it has, in addition to its regular pings. */
  partsTold: 4,
  /**
   * Frames that an owner keeps for a connection until they are acknowledged. Signals may take three quarters. One sender may take half of
   * what the others leave free; a further signal is refused with OUTBOX_OVERFLOW. Events beyond the limit are dropped in favour of a snapshot.
   */
  outboxFrames: 2_000,
  /** Requests that a client keeps until they are answered; a further one is rejected with OUTBOX_OVERFLOW. */
  pendingRequests: 500,
  /** How long a new socket may take to say hello. */
  helloMs: 5_000,
  /** The client acknowledges received frames within this time, or after `ackFrames` frames. */
  ackMs: 250,
  ackFrames: 32,
  /** Interval of a client's pings, and how long either side waits in silence: 2 s + 2.5 s, so a failure is noticed within 5 s. */
  heartbeatMs: 2_000,
  heartbeatTimeoutMs: 2_500,
  /** How long an absent client may resume its connection. OpenVidu 2 evicts after about 12 to 15 s. */
  resumeGraceMs: 20_000,
  /** Width of the jitter before a client's first attempt to reconnect, which spreads a storm of reconnects. */
  reconnectSpreadMs: 250,
} as const;

/** Version of the wire protocol. A server refuses a hello with another version: VERSION_UNSUPPORTED. */
export const PROTOCOL_VERSION = 1;

/** Path of the WebSocket, at every master and at the balancer. */
export const SOCKET_PATH = '/rejoin';
