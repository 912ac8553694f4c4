/** Sizes and times both sides keep to. Milliseconds and bytes. */
export const LIMITS = {
  /** One WebSocket frame from a client. A publish request with simulcast needs about 4 KB. */
  frameBytes: 64 * 1024,
  /**
   * A longer frame to a client is sent in pieces of this length, in characters: each must come within the time that a client waits in
   * silence, so a link of 8 KB/s is still a link.
   */
  partLength: 16 * 1024,
  /** So many parts after the last time, a client tells how many it has, besides in its pings. */
  partsTold: 4,
  /**
   * Frames an owner keeps for one connection until they are acknowledged. Signals may take three quarters, one sender half of what
   * the others leave: one more is refused to its sender with OUTBOX_OVERFLOW. Events beyond it are dropped for a snapshot.
   */
  outboxFrames: 2_000,
  /** Requests a client keeps for its owner until they are answered; one more rejects with OUTBOX_OVERFLOW. */
  pendingRequests: 500,
  /** Time a new socket has for its hello. */
  helloMs: 5_000,
  /** The client acknowledges what it got at the latest after so long, or after `ackFrames`. */
  ackMs: 250,
  ackFrames: 32,
  /** How often a client sends a ping, and how long either side waits in silence: 2 s + 2.5 s is noticed within 5 s. */
  heartbeatMs: 2_000,
  heartbeatTimeoutMs: 2_500,
  /** How long an owner keeps the place of a client that is away. OpenVidu 2 evicts after about 12 to 15 s. */
  resumeGraceMs: 20_000,
  /** Width of the jitter before a client's first attempt to come back: what spreads a storm of reconnects. */
  reconnectSpreadMs: 250,
} as const;

/** Version of the wire contract. A server refuses a hello that names another with VERSION_UNSUPPORTED. */
export const PROTOCOL_VERSION = 1;

/** Path of the WebSocket at every master, and so at the balancer. */
export const SOCKET_PATH = '/rejoin';
