/** A connection of a storm, to the cluster or to a bare server. */
export interface LoadClient {
  /** Joined or resumed, and without a pending change. */
  readonly isThere: boolean;
  /** When it last came back from a loss or a move; Unix time, ms. */
  readonly backAt: number | undefined;
  /** Why it will not come back. */
  readonly ended: string | undefined;
  /** Called every 250 ms. */
  tick(now: number): void;
  close(): void;
}
