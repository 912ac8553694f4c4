import type { TypeOfVideo } from '../../protocol/ids.ts';
import { RejoinError, type RejoinErrorName } from '../errors.ts';

/** ms. How long the browser may take to list its devices before an error is named without them. */
const LIST_MS = 500;

/** Where a publisher's media comes from; the names are OpenVidu's. */
export interface MediaSources {
  /**
   * A device id, a track, `undefined` for the default microphone, `false` or `null` for none. `"screen"`: what is shared
   * with the screen, where the browser and the user give its sound, and otherwise none.
   */
  readonly audioSource?: string | MediaStreamTrack | boolean | null | undefined;
  /** A device id, `"screen"`, a track, `undefined` for the default camera, `false` or `null` for none. */
  readonly videoSource?: string | MediaStreamTrack | boolean | null | undefined;
  /** Size to ask the camera for, `"WIDTHxHEIGHT"`, default `"640x480"`. The camera may deliver another. */
  readonly resolution?: string | undefined;
  /** Frames per second to ask for; default 30. */
  readonly frameRate?: number | undefined;
}

export interface CapturedMedia {
  readonly audio: MediaStreamTrack | undefined;
  readonly video: MediaStreamTrack | undefined;
  readonly typeOfVideo: TypeOfVideo | undefined;
}

type Wanted = 'none' | 'default' | 'screen' | { readonly deviceId: string } | MediaStreamTrack;

function wanted(source: MediaSources['audioSource']): Wanted {
  if (source === false || source === null) return 'none';
  if (source === undefined || source === true || source === '') return 'default';
  if (source === 'screen') return source;
  return typeof source === 'string' ? { deviceId: source } : source;
}

/**
 * Opens camera and microphone, or the screen: all that is asked for, or nothing.
 * @throws {RejoinError} with OpenVidu's names: DEVICE_ACCESS_DENIED, INPUT_VIDEO_DEVICE_NOT_FOUND,
 *   INPUT_AUDIO_DEVICE_NOT_FOUND, INPUT_AUDIO_DEVICE_GENERIC_ERROR, DEVICE_ALREADY_IN_USE, NO_INPUT_SOURCE_SET,
 *   SCREEN_CAPTURE_DENIED, SCREEN_SHARING_NOT_SUPPORTED, PUBLISHER_PROPERTIES_ERROR, BROWSER_NOT_SUPPORTED
 */
export async function captureMedia(sources: MediaSources): Promise<CapturedMedia> {
  const video = wanted(sources.videoSource);
  const asked = wanted(sources.audioSource);
  // A screen that is not shared has no sound to share.
  const audio = asked === 'screen' && video !== 'screen' ? 'none' : asked;
  if (audio === 'none' && video === 'none') {
    throw new RejoinError(
      'NO_INPUT_SOURCE_SET',
      'Neither an audio nor a video source is set.',
      'Leave out audioSource or videoSource, or set one of them to a device.',
    );
  }
  const constraints: MediaStreamConstraints = {
    audio: audioConstraints(audio),
    video: videoConstraints(video, sources),
  };
  const display = video === 'screen' ? await captureScreen(sources, audio === 'screen') : undefined;
  try {
    const devices = constraints.audio || constraints.video ? await captureDevices(constraints) : undefined;
    const videoTrack = isTrack(video) ? video : (display ?? devices)?.getVideoTracks()[0];
    return {
      audio: isTrack(audio) ? audio : (audio === 'screen' ? display : devices)?.getAudioTracks()[0],
      video: videoTrack,
      typeOfVideo: videoTrack && (video === 'screen' ? 'SCREEN' : isTrack(video) ? 'CUSTOM' : 'CAMERA'),
    };
  } catch (error) {
    for (const track of display?.getTracks() ?? []) track.stop();
    throw error;
  }
}

function isTrack(source: Wanted): source is MediaStreamTrack {
  return typeof source === 'object' && !('deviceId' in source);
}

function audioConstraints(source: Wanted): MediaTrackConstraints | boolean {
  if (source === 'none' || source === 'screen' || isTrack(source)) return false;
  return source === 'default' ? true : { deviceId: { exact: source.deviceId } };
}

function videoConstraints(
  source: Wanted,
  { resolution = '640x480', frameRate = 30 }: MediaSources,
): MediaTrackConstraints | boolean {
  if (source === 'none' || isTrack(source)) return false;
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(resolution);
  if (!match || !(frameRate > 0)) {
    throw new RejoinError(
      'PUBLISHER_PROPERTIES_ERROR',
      match
        ? `The frame rate ${frameRate} is not a number above 0.`
        : `The resolution "${resolution}" is not of the form WIDTHxHEIGHT.`,
      match ? 'Set frameRate to frames per second, or leave it out.' : 'Write it like "640x480".',
    );
  }
  if (source === 'screen') return false;
  return {
    width: { ideal: Number(match[1]) },
    height: { ideal: Number(match[2]) },
    frameRate: { ideal: frameRate },
    ...(source === 'default' ? {} : { deviceId: { exact: source.deviceId } }),
  };
}

async function captureScreen({ frameRate = 30 }: MediaSources, audio: boolean): Promise<MediaStream> {
  if (!canShareScreen()) {
    throw new RejoinError(
      'SCREEN_SHARING_NOT_SUPPORTED',
      'This browser cannot share its screen.',
      'Use a desktop browser, over https or on localhost.',
    );
  }
  try {
    const display = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: frameRate } }, audio });
    // Text is to stay sharp, where something must give.
    for (const track of display.getVideoTracks()) track.contentHint = 'detail';
    return display;
  } catch (cause) {
    throw new RejoinError(
      'SCREEN_CAPTURE_DENIED',
      `The screen was not shared. (${String(cause)})`,
      'Ask the user to try again, and do so right after a click.',
      { cause },
    );
  }
}

/** Also asked where there is no browser at all. */
export function canShareScreen(): boolean {
  return 'getDisplayMedia' in (globalThis.navigator?.mediaDevices ?? {});
}

/** @throws {RejoinError} BROWSER_NOT_SUPPORTED: in Node, or in jsdom */
export function newMediaStream(): MediaStream {
  if ('MediaStream' in globalThis) return new MediaStream();
  throw new RejoinError(
    'BROWSER_NOT_SUPPORTED',
    'There is no media outside of a browser.',
    'Call this in a browser only.',
  );
}

/** @throws {RejoinError} BROWSER_NOT_SUPPORTED: browsers hide the devices from pages that are not secure */
export function requireMediaDevices(): void {
  if (globalThis.navigator?.mediaDevices) return;
  throw new RejoinError(
    'BROWSER_NOT_SUPPORTED',
    'The browser gives this page no access to cameras and microphones.',
    'Serve the page over https, or from localhost.',
  );
}

async function captureDevices(constraints: MediaStreamConstraints): Promise<MediaStream> {
  requireMediaDevices();
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (cause) {
    throw await deviceError(cause, constraints);
  }
}

async function deviceError(cause: unknown, constraints: MediaStreamConstraints): Promise<RejoinError> {
  const { name: domName, message } = cause as DOMException;
  const named = (name: RejoinErrorName, what: string, action: string): RejoinError =>
    new RejoinError(name, `${what} (${domName}: ${message})`, action, { cause });
  switch (domName) {
    case 'NotAllowedError':
    case 'SecurityError':
      return named(
        'DEVICE_ACCESS_DENIED',
        'Access to camera or microphone was denied.',
        'Ask the user to allow it in the address bar and try again.',
      );
    case 'NotReadableError':
    case 'AbortError':
      return named(
        'DEVICE_ALREADY_IN_USE',
        'The camera or microphone cannot be opened; another program may be using it.',
        'Close the other program and try again.',
      );
    case 'NotFoundError':
    case 'OverconstrainedError': {
      // The browser does not say which of the two is missing.
      const devices = await knownDevices();
      const id = exactIdOf(constraints.video);
      const hasCamera = devices.some(({ kind, deviceId }) => kind === 'videoinput' && (id ?? deviceId) === deviceId);
      const cameraMissing = constraints.video !== false && (constraints.audio === false || !hasCamera);
      return cameraMissing
        ? named('INPUT_VIDEO_DEVICE_NOT_FOUND', 'There is no such camera.', 'Connect one, or set videoSource: false.')
        : named(
            'INPUT_AUDIO_DEVICE_NOT_FOUND',
            'There is no such microphone.',
            'Connect one, or set audioSource: false.',
          );
    }
    default:
      return named(
        constraints.video === false ? 'INPUT_AUDIO_DEVICE_GENERIC_ERROR' : 'GENERIC_ERROR',
        'Camera and microphone cannot be opened.',
        'Check the sources that were asked for.',
      );
  }
}

/** Firefox tells of devices only in a window that has been looked at, and has others wait until they are. */
function knownDevices(): Promise<MediaDeviceInfo[]> {
  const late = new Promise<MediaDeviceInfo[]>((resolve) => setTimeout(resolve, LIST_MS, []));
  return Promise.race([navigator.mediaDevices.enumerateDevices().catch(() => []), late]);
}

/** The device that is asked for by its id: no other would do. */
function exactIdOf(constraints: MediaStreamConstraints['video']): ConstrainDOMString | undefined {
  const deviceId = typeof constraints === 'object' ? constraints.deviceId : undefined;
  return typeof deviceId === 'object' && 'exact' in deviceId ? deviceId.exact : undefined;
}
