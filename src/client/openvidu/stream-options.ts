import type { PublisherProperties } from '../media/publisher-properties.ts';
import type { Connection } from '../session/connection.ts';

/** The part of `stream.inboundStreamOpts` that applications read. */
export interface InboundStreamOptions {
  /** The stream's id. */
  readonly id: string;
  /** The stream's connection. */
  readonly connection: Connection;
}

/** The part of `stream.outboundStreamOpts` that applications read. */
export interface OutboundStreamOptions {
  /** The properties passed to `initPublisher`. */
  readonly publisherProperties: PublisherProperties;
}

/** The part of `connection.localOptions` and `connection.remoteOptions` that applications read. */
export interface ConnectionOptions {
  /** The connection's id. */
  readonly id: string;
  /** The same as `connection.data`. */
  readonly metadata: string;
}
