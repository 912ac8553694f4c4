import type { Join, Resume } from '../../protocol/frames.ts';

/** The hello of the next open socket. */
export type Intent =
  | { readonly kind: 'none' }
  | { readonly kind: 'join'; readonly join: Join }
  | { readonly kind: 'resume'; readonly place: Place };

/** The fields of a resume, except the client's progress. */
export type Place = Omit<Resume, 'received' | 'nextRequest'>;
