import './sdk.ts';

/** Something that did not work, as the page tells it. */
export interface Problem {
  /** What to look it up by, e.g. `DEVICE_ACCESS_DENIED`. */
  readonly name: string;
  readonly message: string;
  /** What to do about it. */
  readonly action: string | undefined;
}

/** What the people in front of the page can do; the SDK's own advice is for the developers of the page. */
const ADVICE: Readonly<Record<string, string>> = {
  DEVICE_ACCESS_DENIED: "Allow camera and microphone in the browser's address bar, then try again.",
  DEVICE_ALREADY_IN_USE: 'Close the other program or tab that uses the camera or the microphone, then try again.',
  INPUT_VIDEO_DEVICE_NOT_FOUND: 'Connect a camera and try again, or join without one.',
  INPUT_AUDIO_DEVICE_NOT_FOUND: 'Connect a microphone and try again, or join without one.',
  INPUT_AUDIO_DEVICE_GENERIC_ERROR: 'Check the microphone and try again, or join without one.',
  BROWSER_NOT_SUPPORTED: 'Open the page over https, or join without camera and microphone.',
  SERVER_UNREACHABLE: 'Check that the demo runs, then try again.',
};

/** The SDK's errors, by what a user can do about them; those of the demo's server say that themselves, in `action`. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), action: undefined };
  const { name, message } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : name;
  const isOfSdk = globalThis.Rejoin !== undefined && error instanceof globalThis.Rejoin.RejoinError;
  // What the page's own token function says is more to the point.
  if (isOfSdk && code === 'TOKEN_UNAVAILABLE' && error.cause instanceof Error) return problemOf(error.cause);
  const said = !isOfSdk && 'action' in error && typeof error.action === 'string' ? error.action : undefined;
  return { name: code === name ? name : `${name} (${code})`, message, action: said ?? ADVICE[code] };
}
