export type ClusterErrorName =
  | 'PortTaken'
  | 'AddressUnavailable'
  | 'NoFreePort'
  | 'NoLanAddress'
  | 'StateDirInUse'
  | 'StateDirShared'
  | 'OrphansRunning'
  | 'NodeFailed'
  | 'NotReady'
  | 'NodeUnknown'
  | 'NodeNotRunning';

/** An error of the development cluster. The message says why and what to do. */
export class ClusterError extends Error {
  override readonly name: ClusterErrorName;

  constructor(name: ClusterErrorName, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = name;
  }
}
