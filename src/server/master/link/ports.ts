import type { CloseCode } from '../../../protocol/close-codes.ts';
import type { WireError } from '../../../protocol/errors.ts';
import type {
  AckFrame,
  Goodbye,
  HelloFrame,
  RequestFrame,
  ServerFrame,
  WelcomeFrame,
} from '../../../protocol/frames.ts';
import type { InstanceId } from '../../shared/identity.ts';

declare const brand: unique symbol;
/** One client socket at one edge, for as long as it serves one membership: `<edge instance>#<number>`. */
export type AttachmentId = string & { readonly [brand]: 'AttachmentId' };

export function edgeOf(attachment: AttachmentId): InstanceId {
  return attachment.slice(0, attachment.lastIndexOf('#')) as InstanceId;
}

/** What an edge tells the owner of a client that says hello. */
export interface AttachRequest {
  readonly attachment: AttachmentId;
  readonly hello: HelloFrame;
  readonly ip: string;
  readonly platform: string;
}

/** The owner's answer. `notOwner`: look again who owns the session. */
export type AttachAnswer =
  | { readonly kind: 'welcome'; readonly welcome: WelcomeFrame }
  | { readonly kind: 'refused'; readonly error: WireError }
  | { readonly kind: 'notOwner' };

/** What an edge tells the owner of a session that a client has left for good. */
export interface GoodbyeBody {
  readonly goodbye: Goodbye;
}
/** `notOwner`: look again who owns the session. */
export interface GoodbyeAnswer {
  readonly kind: 'taken' | 'notOwner';
}

/** From edge to owner, in the order the client sent it. */
export type Upward =
  | { readonly attachment: AttachmentId; readonly frame: RequestFrame | AckFrame }
  | { readonly attachment: AttachmentId; readonly gone: true }
  /** Nothing but the question whether the owner still knows of it. `reads`: its client is getting a large frame, bit by bit. */
  | { readonly attachment: AttachmentId; readonly still: true; readonly reads?: true };

/** From owner to edge, in order. */
export type Downward =
  | { readonly attachment: AttachmentId; readonly frame: ServerFrame }
  | { readonly attachment: AttachmentId; readonly close: CloseCode }
  /** The membership is over but the socket stays, for a new hello. */
  | { readonly attachment: AttachmentId; readonly release: ServerFrame }
  /** Nothing but the question whether the edge still has this socket. */
  | { readonly attachment: AttachmentId; readonly still: true };

/** The owner as an edge sees it, in this process or another. */
export interface OwnerPort {
  attach(request: AttachRequest): Promise<AttachAnswer>;
  /** Given up, as the owner is dead or cannot be reached: nothing goes this way any more, an answer that comes late leads nowhere. */
  readonly isClosed: boolean;
  up(item: Upward): void;
}

/** The edge as an owner sees it, in this process or another. */
export interface EdgePort {
  down(item: Downward): void;
}
