import type { Join, Resume } from '../../protocol/frames.ts';

/** What the next open socket says first. */
export type Intent =
  | { readonly kind: 'none' }
  | { readonly kind: 'join'; readonly join: Join }
  | { readonly kind: 'resume'; readonly place: Place };

/** What a resume needs to know, but for how far this client has got. */
export type Place = Omit<Resume, 'received' | 'nextRequest'>;
