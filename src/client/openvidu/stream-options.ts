import type { PublisherProperties } from '../media/publisher-properties.ts';
import type { Connection } from '../session/connection.ts';

/** Of `stream.inboundStreamOpts`, what applications read. */
export interface InboundStreamOptions {
  /** The stream's id. */
  readonly id: string;
  /** Whose it is. */
  readonly connection: Connection;
}

/** Of `stream.outboundStreamOpts`, what applications read. */
export interface OutboundStreamOptions {
  /** What `initPublisher` was given. */
  readonly publisherProperties: PublisherProperties;
}

/** Of `connection.localOptions` and `connection.remoteOptions`, what applications read. */
export interface ConnectionOptions {
  /** The connection's id. */
  readonly id: string;
  /** The same as `connection.data`. */
  readonly metadata: string;
}
