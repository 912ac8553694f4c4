import type { TypeOfVideo as KnownType } from '../../protocol/ids.ts';

/** What a stream shows. */
export const TypeOfVideo = {
  /** A camera. */
  CAMERA: 'CAMERA',
  /** A screen, a window or a tab. */
  SCREEN: 'SCREEN',
  /** A track of the application's own. */
  CUSTOM: 'CUSTOM',
  /** OpenVidu's, for cameras without a browser. There are none. */
  IPCAM: 'IPCAM',
} as const satisfies Record<KnownType | 'IPCAM', string>;
/** One of the above. */
export type TypeOfVideo = (typeof TypeOfVideo)[keyof typeof TypeOfVideo];
