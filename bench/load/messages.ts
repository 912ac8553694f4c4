/** Messages between the benchmark and a process full of clients. */

export type LoadOrder =
  | {
      readonly kind: 'members';
      readonly socketUrl: string;
      readonly apiUrl: string;
      readonly secret: string;
      readonly sessions: readonly { readonly name: string; readonly members: number }[];
    }
  | { readonly kind: 'bare'; readonly socketUrl: string; readonly connections: number };

/** Questions for the process; the answer to each has the same name. */
export type LoadQuestion =
  | { readonly t: 'state' }
  | { readonly t: 'backTimes'; readonly since: number }
  | { readonly t: 'exchange' };

export interface LoadState {
  readonly connections: number;
  readonly there: number;
  /** Reasons of the clients that will not come back. */
  readonly ended: readonly string[];
}

/** One message in each session, to all its members. */
export interface Exchange {
  readonly expected: number;
  readonly delivered: number;
  readonly twice: number;
}

export type LoadAnswer =
  | { readonly t: 'connected' }
  | { readonly t: 'failed'; readonly message: string }
  | { readonly t: 'state'; readonly state: LoadState }
  | { readonly t: 'backTimes'; readonly times: readonly number[] }
  | { readonly t: 'exchange'; readonly exchange: Exchange };
