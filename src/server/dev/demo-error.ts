/** Errors of the demo's application server. Answers contain their names. */
export const DEMO_ERRORS = {
  RoomNameInvalid: { status: 400, action: 'Use 1 to 128 letters, digits, "-" or "_".' },
  RequestInvalid: { status: 400, action: 'Correct the field that the message names.' },
  NotSameOrigin: { status: 403, action: "Use the demo page at the cluster's own address." },
  PageKeyInvalid: { status: 403, action: 'Load the demo page again: it then gets the key of the running cluster.' },
  GuestRefused: { status: 403, action: 'Use the demo page on the computer that runs the demo.' },
  NodeUnknown: { status: 404, action: 'Use an id from the list of nodes.' },
  NodeNotRunning: { status: 409, action: 'Wait until the node has restarted.' },
  ClusterRefused: { status: 500, action: 'Read the logs of the masters.' },
  TooManyFeeds: { status: 503, action: 'Close some of the pages that watch the cluster.' },
  ClusterUnavailable: { status: 503, action: 'Try again in a second.' },
} as const;

export type DemoErrorName = keyof typeof DEMO_ERRORS;

export class DemoError extends Error {
  override readonly name: DemoErrorName;

  constructor(name: DemoErrorName, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = name;
  }
}
