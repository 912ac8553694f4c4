import { RejoinError } from '../errors.ts';

/** Where a video is put relative to its target. */
export const VideoInsertMode = {
  /** Right behind the target. */
  AFTER: 'AFTER',
  /** Inside of the target, as its last child. */
  APPEND: 'APPEND',
  /** Right before the target. */
  BEFORE: 'BEFORE',
  /** Inside of the target, as its first child. */
  PREPEND: 'PREPEND',
  /** In place of the target. */
  REPLACE: 'REPLACE',
} as const;
/** Any of the names above. */
export type VideoInsertMode = (typeof VideoInsertMode)[keyof typeof VideoInsertMode];

/** An element, or the id of one. */
export type VideoTarget = string | HTMLElement;

/** How one's own video is shown: as in a mirror. */
export const MIRRORED = 'rotateY(180deg)';

/** The element that `target` names. @throws {RejoinError} GENERIC_ERROR when there is none: it may be mistyped */
export function findTarget(target: VideoTarget | undefined): HTMLElement {
  const element = typeof target === 'string' ? document.getElementById(target) : target;
  if (element) return element;
  throw new RejoinError(
    'GENERIC_ERROR',
    `The page has no element "${String(target)}".`,
    'Pass an element, or the id of one that is in the page by now.',
  );
}

/** Applications may pass any text, as their compiler knows no more. An unknown mode means `APPEND`, as in OpenVidu. */
export function insertModeOf(text: string = 'APPEND'): VideoInsertMode {
  return Object.values(VideoInsertMode).find((mode) => mode === text) ?? 'APPEND';
}

export function insertVideo(video: HTMLVideoElement, target: HTMLElement, mode: VideoInsertMode): void {
  switch (mode) {
    case 'AFTER':
      target.after(video);
      return;
    case 'BEFORE':
      target.before(video);
      return;
    case 'PREPEND':
      target.prepend(video);
      return;
    case 'REPLACE':
      target.replaceWith(video);
      return;
    case 'APPEND':
      target.append(video);
      return;
  }
}
