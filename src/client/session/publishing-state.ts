/**
 * The state of one publisher in one session, as a table. The last wish wins, whenever it comes; each row has its reason above it,
 * and an input without a row means nothing in that state.
 */
export type PublishingState =
  /** Nothing is wished, and nothing is there. */
  | 'idle'
  /** Its sources are being opened, or the session is coming back, or the server has not answered what was asked before. */
  | 'preparing'
  /** The server has been asked. */
  | 'sending'
  | 'sent';

export type PublishingInput =
  /** The application calls `publish()`, or the media is brought to another place. */
  | 'publish'
  /** The application withdraws the wish, or the server has ended the stream, or the session is over. */
  | 'end'
  /** There is something to send, and a place to send it to. */
  | 'prepared'
  | 'answered'
  | 'refused'
  /** The life of the session in which it was asked for is over. */
  | 'lost'
  /** The media goes another way from now on. */
  | 'moved';

export type PublishingEffect = 'wish' | 'prepare' | 'arrive' | 'settle' | 'end' | 'refuse';

/** The next state, and what is to be done then. */
type Transition = readonly [PublishingState, ...PublishingEffect[]];

/** Begins again, under the same key: it is the same stream. */
const again: Transition = ['preparing', 'prepare'];
/** A stream that the server makes after this is ended as soon as it is there. */
const end: Transition = ['idle', 'end'];
const refused: Transition = ['idle', 'refuse'];

export const PUBLISHING: Readonly<Record<PublishingState, Partial<Record<PublishingInput, Transition>>>> = {
  idle: {
    publish: ['preparing', 'wish', 'prepare'],
  },
  preparing: {
    prepared: ['sending'],
    // There is no camera, or the session has ended.
    refused,
    // A request to the former media node may never be answered.
    moved: again,
    end,
  },
  sending: {
    answered: ['sent', 'arrive', 'settle'],
    refused,
    // In the next life it is asked for again.
    lost: again,
    moved: again,
    end,
  },
  sent: {
    // It is there already.
    publish: ['sent', 'settle'],
    moved: again,
    end,
  },
};
