/** Where a video is put relative to its target. */
export const VideoInsertMode = {
  AFTER: 'AFTER',
  APPEND: 'APPEND',
  BEFORE: 'BEFORE',
  PREPEND: 'PREPEND',
  REPLACE: 'REPLACE',
} as const;
export type VideoInsertMode = (typeof VideoInsertMode)[keyof typeof VideoInsertMode];

/** An element, or the id of one. */
export type VideoTarget = string | HTMLElement;

/** The element that `target` names, or `undefined`. */
export function findTarget(target: VideoTarget): HTMLElement | undefined {
  return typeof target === 'string' ? (document.getElementById(target) ?? undefined) : target;
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
