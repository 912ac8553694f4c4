import type { Caller } from './caller.ts';

export interface MessageCount {
  readonly sent: number;
  /** Answered with an error. */
  readonly failed: number;
  /** Of those answered well: how often one of the participants has not got it. */
  readonly lost: number;
  readonly twice: number;
}

/** Compares what all have said with what each has got. */
export async function countMessages(callers: readonly Caller[]): Promise<MessageCount> {
  const talks = await Promise.all(callers.map((caller) => caller.talked()));
  const sent = talks.reduce((sum, talk) => sum + talk.sent, 0);
  const failed = talks.reduce((sum, talk) => sum + talk.failed, 0);
  const got = talks.map(({ received }) => ({ all: received.length, different: new Set(received).size }));
  return {
    sent,
    failed,
    lost: got.reduce((sum, { different }) => sum + Math.max(0, sent - different), 0),
    twice: got.reduce((sum, { all, different }) => sum + all - different, 0),
  };
}
