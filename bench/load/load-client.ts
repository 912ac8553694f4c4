/** A connection of a storm, to whatever it is connected. */
export interface LoadClient {
  /** It is as it should be: joined or resumed, and nothing is under way. */
  readonly isThere: boolean;
  /** When it was last back from a loss or a move; Unix time, ms. */
  readonly backAt: number | undefined;
  /** Why it will not come back. */
  readonly ended: string | undefined;
  /** Called every 250 ms. */
  tick(now: number): void;
  close(): void;
}
