/** What the demo's application server answers when it cannot do what was asked; the names are in its answers. */
export const DEMO_ERRORS = {
  RoomNameInvalid: { status: 400, action: 'Use 1 to 128 letters, digits, "-" or "_".' },
  RequestInvalid: { status: 400, action: 'Correct the field that the message names.' },
  NotSameOrigin: { status: 403, action: "Use the demo page at the cluster's own address." },
  PageKeyInvalid: { status: 403, action: 'Load the demo page again: it is given the key of the cluster that runs.' },
  GuestRefused: { status: 403, action: 'Use the demo page on the computer that runs the demo.' },
  NodeUnknown: { status: 404, action: 'Use an id of the list of nodes.' },
  NodeNotRunning: { status: 409, action: 'Wait until the node has started again.' },
  ClusterRefused: { status: 500, action: 'Look into the logs of the masters.' },
  TooManyFeeds: { status: 503, action: 'Close some of the pages that show the cluster.' },
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
