import type { TypeOfVideo as KnownType } from '../../protocol/ids.ts';

/** The kind of a stream's video. */
export const TypeOfVideo = {
  /** A camera. */
  CAMERA: 'CAMERA',
  /** A screen, a window or a tab. */
  SCREEN: 'SCREEN',
  /** A track that the application supplies. */
  CUSTOM: 'CUSTOM',
  /** OpenVidu's, for cameras without a browser. There are none. */
  IPCAM: 'IPCAM',
} as const satisfies Record<KnownType | 'IPCAM', string>;
/** Any of the names above. */
export type TypeOfVideo = (typeof TypeOfVideo)[keyof typeof TypeOfVideo];
