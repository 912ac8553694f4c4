/** Times of the cluster's inner life, ms. One object, so that a deployment and a test can set them together. */
export interface Timing {
  /** Between two beats on a liveness stream. */
  readonly beatMs: number;
  /** A node unheard for so long, and silent to a probe, is taken for dead. */
  readonly verdictMs: number;
  /** Between two renewals of a node's lease, and two looks at the list of nodes. */
  readonly leaseRenewMs: number;
  /** How long a lease is good without renewal. */
  readonly leaseMs: number;
  /** How long an owner keeps the place of a client that is away. */
  readonly resumeGraceMs: number;
  /** How long a media node keeps the media of a session without owner flowing. */
  readonly ownerlessGraceMs: number;
  /** How long one command to a media node may take. A stopped worker never answers. */
  readonly mediaCommandMs: number;
  /** How long a call between masters may take. */
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
