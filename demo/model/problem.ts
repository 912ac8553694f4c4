import './sdk.ts';

/** A failure, as the page shows it. */
export interface Problem {
  /** A name to search for, e.g. `DEVICE_ACCESS_DENIED`. */
  readonly name: string;
  readonly message: string;
  /** Advice for the user. */
  readonly action: string | undefined;
}

/** Advice for the user of the page; the SDK's own advice addresses its developers. */
const ADVICE: Readonly<Record<string, string>> = {
  DEVICE_ACCESS_DENIED: "Allow camera and microphone in the browser's address bar, then try again.",
  DEVICE_ALREADY_IN_USE: 'Close the other program or tab that uses the camera or the microphone, then try again.',
  INPUT_VIDEO_DEVICE_NOT_FOUND: 'Connect a camera and try again, or join without one.',
  INPUT_AUDIO_DEVICE_NOT_FOUND: 'Connect a microphone and try again, or join without one.',
  INPUT_AUDIO_DEVICE_GENERIC_ERROR: 'Check the microphone and try again, or join without one.',
  BROWSER_NOT_SUPPORTED: 'Open the page over https, or join without camera and microphone.',
  SERVER_UNREACHABLE: 'Check that the demo runs, then try again.',
};

/** Describes an error with advice for the user. Errors of the demo's server have such advice in `action`. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), action: undefined };
  const { name, message } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : name;
  const isOfSdk = globalThis.Rejoin !== undefined && error instanceof globalThis.Rejoin.RejoinError;
  // The error of the page's own token function is more specific.
  if (isOfSdk && code === 'TOKEN_UNAVAILABLE' && error.cause instanceof Error) return problemOf(error.cause);
  const said = !isOfSdk && 'action' in error && typeof error.action === 'string' ? error.action : undefined;
  return { name: code === name ? name : `${name} (${code})`, message, action: said ?? ADVICE[code] };
}
