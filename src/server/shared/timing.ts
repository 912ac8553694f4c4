/** Internal times of a cluster, ms. A deployment or a test sets them together. */
export interface Timing {
  /** Interval between beats on a liveness stream. */
  readonly beatMs: number;
  /** A node that has been unheard for this long, and doesn't answer a probe, counts as dead. */
  readonly verdictMs: number;
  /** Interval between renewals of a node's lease, and between its reads of the list of nodes. */
  readonly leaseRenewMs: number;
  /** How long a lease is valid without renewal. */
  readonly leaseMs: number;
  /** How long an absent client may resume its connection. */
  readonly resumeGraceMs: number;
  /** How long a media node keeps the media of a session without an owner flowing. */
  readonly ownerlessGraceMs: number;
  /** Time limit for a command to a media node. A stopped worker never answers. */
  readonly mediaCommandMs: number;
  /** Time limit for a call between masters. */
  readonly peerCallMs: number;
}

export const DEFAULT_TIMING: Timing = {
  beatMs: 1_000,
  verdictMs: 3_000,
  leaseRenewMs: 1_000,
  leaseMs: 5_000,
  resumeGraceMs: 20_000,
  ownerlessGraceMs: 10_000,
  mediaCommandMs: 4_000,
  peerCallMs: 4_000,
};
