import type { TypeOfVideo } from '../../protocol/ids.ts';
import { RejoinError, type RejoinErrorName } from '../errors.ts';

/** Where a publisher's media comes from; the names are OpenVidu's. */
export interface MediaSources {
  /** A device id, a track, `undefined` for the default microphone, `false` or `null` for none. */
  readonly audioSource?: string | MediaStreamTrack | boolean | null | undefined;
  /** A device id, `"screen"`, a track, `undefined` for the default camera, `false` or `null` for none. */
  readonly videoSource?: string | MediaStreamTrack | boolean | null | undefined;
  /** `"WIDTHxHEIGHT"`, default `"640x480"`. */
  readonly resolution?: string | undefined;
  /** Frames per second; default 30. */
  readonly frameRate?: number | undefined;
}

export interface CapturedMedia {
  readonly audio: MediaStreamTrack | undefined;
  readonly video: MediaStreamTrack | undefined;
  readonly typeOfVideo: TypeOfVideo | undefined;
}

type Wanted = 'none' | 'default' | { readonly deviceId: string } | MediaStreamTrack;

function wanted(source: MediaSources['audioSource']): Wanted {
  if (source === false || source === null) return 'none';
  if (source === undefined || source === true || source === '') return 'default';
  return typeof source === 'string' ? { deviceId: source } : source;
}

/**
 * Opens camera and microphone, or the screen.
 * @throws {RejoinError} with OpenVidu's names: DEVICE_ACCESS_DENIED, INPUT_VIDEO_DEVICE_NOT_FOUND,
 *   INPUT_AUDIO_DEVICE_NOT_FOUND, DEVICE_ALREADY_IN_USE, NO_INPUT_SOURCE_SET, SCREEN_CAPTURE_DENIED,
 *   SCREEN_SHARING_NOT_SUPPORTED, PUBLISHER_PROPERTIES_ERROR
 */
export async function captureMedia(sources: MediaSources): Promise<CapturedMedia> {
  const audio = wanted(sources.audioSource);
  const video = wanted(sources.videoSource);
  if (audio === 'none' && video === 'none') {
    throw new RejoinError(
      'NO_INPUT_SOURCE_SET',
      'Neither an audio nor a video source is set.',
      'Leave out audioSource or videoSource, or set one of them to a device.',
    );
  }
  const screen = typeof video === 'object' && 'deviceId' in video && video.deviceId === 'screen';
  const constraints: MediaStreamConstraints = {
    audio: isTrack(audio) ? false : audioConstraints(audio),
    video: isTrack(video) || screen ? false : videoConstraints(video, sources),
  };
  const display = screen ? await captureScreen(sources) : undefined;
  const captured = constraints.audio || constraints.video ? await captureDevices(constraints) : undefined;
  const videoTrack = isTrack(video) ? video : (display ?? captured)?.getVideoTracks()[0];
  return {
    audio: isTrack(audio) ? audio : captured?.getAudioTracks()[0],
    video: videoTrack,
    typeOfVideo: videoTrack && (screen ? 'SCREEN' : isTrack(video) ? 'CUSTOM' : 'CAMERA'),
  };
}

function isTrack(source: Wanted): source is MediaStreamTrack {
  return typeof source === 'object' && !('deviceId' in source);
}

function audioConstraints(source: Exclude<Wanted, MediaStreamTrack>): MediaTrackConstraints | boolean {
  if (source === 'none') return false;
  return source === 'default' ? true : { deviceId: { exact: source.deviceId } };
}

function videoConstraints(
  source: Exclude<Wanted, MediaStreamTrack>,
  { resolution = '640x480', frameRate = 30 }: MediaSources,
): MediaTrackConstraints | boolean {
  if (source === 'none') return false;
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(resolution);
  if (!match) {
    throw new RejoinError(
      'PUBLISHER_PROPERTIES_ERROR',
      `The resolution "${resolution}" is not of the form WIDTHxHEIGHT.`,
      'Write it like "640x480".',
    );
  }
  return {
    width: { ideal: Number(match[1]) },
    height: { ideal: Number(match[2]) },
    frameRate: { ideal: frameRate },
    ...(source === 'default' ? {} : { deviceId: { exact: source.deviceId } }),
  };
}

async function captureScreen({ frameRate = 30 }: MediaSources): Promise<MediaStream> {
  if (!('mediaDevices' in navigator) || !('getDisplayMedia' in navigator.mediaDevices)) {
    throw new RejoinError(
      'SCREEN_SHARING_NOT_SUPPORTED',
      'This browser cannot share its screen.',
      'Use a desktop browser, over https or on localhost.',
    );
  }
  try {
    return await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: frameRate } } });
  } catch (cause) {
    throw new RejoinError('SCREEN_CAPTURE_DENIED', 'The screen was not shared.', 'Ask the user to try again.', {
      cause,
    });
  }
}

/** @throws {RejoinError} BROWSER_NOT_SUPPORTED: browsers hide the devices from pages that are not secure */
export function requireMediaDevices(): void {
  if ('mediaDevices' in navigator) return;
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
      const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
      const hasVideo = devices.some(({ kind }) => kind === 'videoinput');
      const cameraMissing = constraints.video !== false && (constraints.audio === false || !hasVideo);
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
        'GENERIC_ERROR',
        'Camera and microphone cannot be opened.',
        'Check the sources that were asked for.',
      );
  }
}
