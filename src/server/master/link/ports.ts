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
/** A client's socket at an edge, for as long as it serves one connection: `<edge instance>#<number>`. */
export type AttachmentId = string & { readonly [brand]: 'AttachmentId' };

export function edgeOf(attachment: AttachmentId): InstanceId {
  return attachment.slice(0, attachment.lastIndexOf('#')) as InstanceId;
}

/** The message from an edge to the owner about a client that says hello. */
export interface AttachRequest {
  readonly attachment: AttachmentId;
  readonly hello: HelloFrame;
  readonly ip: string;
  readonly platform: string;
}

/** The owner's answer. `notOwner`: the edge must look up the owner again. */
export type AttachAnswer =
  | { readonly kind: 'welcome'; readonly welcome: WelcomeFrame }
  | { readonly kind: 'refused'; readonly error: WireError }
  | { readonly kind: 'notOwner' };

/** The message from an edge to the owner about a client that has left for good. */
export interface GoodbyeBody {
  readonly goodbye: Goodbye;
}
/** `notOwner`: look up the owner again. */
export interface GoodbyeAnswer {
  readonly kind: 'taken' | 'notOwner';
}

/** From edge to owner, in the order in which the client sent it. */
export type Upward =
  | { readonly attachment: AttachmentId; readonly frame: RequestFrame | AckFrame }
  | { readonly attachment: AttachmentId; readonly gone: true }
  /** Asks whether the owner still knows the attachment. `reads`: the client is receiving a large frame in parts. */
  | { readonly attachment: AttachmentId; readonly still: true; readonly reads?: true };

/** From owner to edge, in order. */
export type Downward =
  | { readonly attachment: AttachmentId; readonly frame: ServerFrame }
  | { readonly attachment: AttachmentId; readonly close: CloseCode }
  /** Ends the attachment but keeps the socket open for another hello. */
  | { readonly attachment: AttachmentId; readonly release: ServerFrame }
  /** Asks whether the edge still has this socket. */
  | { readonly attachment: AttachmentId; readonly still: true };

/** The owner from an edge's point of view, in this process or another. */
export interface OwnerPort {
  attach(request: AttachRequest): Promise<AttachAnswer>;
  /** True once the link is given up because the owner is dead or cannot be reached. A late answer is then ignored. */
  readonly isClosed: boolean;
  up(item: Upward): void;
}

/** The edge from an owner's point of view, in this process or another. */
export interface EdgePort {
  down(item: Downward): void;
}
