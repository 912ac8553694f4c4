import type { Caller } from './caller.ts';

export interface MessageCount {
  readonly sent: number;
  /** Messages whose promise rejected. */
  readonly failed: number;
  /** Missing deliveries of confirmed messages. */
  readonly lost: number;
  readonly twice: number;
}

/** Compares the messages that the participants sent with those that each received. */
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
