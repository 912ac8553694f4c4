/**
 * State table of one publisher in one session. The last call of the application wins, at any time. A comment above a
 * row gives its reason; an input without a row is ignored.
 */
export type PublishingState =
  /** The application wants no stream, and there is none. */
  | 'idle'
  /** The sources are being opened, the session is returning, or an earlier request is unanswered. */
  | 'preparing'
  /** The request is on its way to the server. */
  | 'sending'
  | 'sent';

export type PublishingInput =
  /** The application calls `publish()`, or the media moves to another node. */
  | 'publish'
  /** The application calls `unpublish()`, the server has ended the stream, or the session has ended. */
  | 'end'
  /** The tracks and the plane are ready. */
  | 'prepared'
  | 'answered'
  | 'refused'
  /** The life of the session in which the client sent the request has ended. */
  | 'lost'
  /** The media now takes another path. */
  | 'moved';

export type PublishingEffect = 'wish' | 'prepare' | 'arrive' | 'settle' | 'end' | 'refuse';

/** The next state, and its effects. */
type Transition = readonly [PublishingState, ...PublishingEffect[]];

/** Starts over under the same key, so that the server sees the same stream. */
const again: Transition = ['preparing', 'prepare'];
/** If the server still makes the stream after this, the client ends it at once. */
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
    // The former media node may never answer the request.
    moved: again,
    end,
  },
  sending: {
    answered: ['sent', 'arrive', 'settle'],
    refused,
    // The next life needs the request again.
    lost: again,
    moved: again,
    end,
  },
  sent: {
    // The stream exists already.
    publish: ['sent', 'settle'],
    moved: again,
    end,
  },
};
