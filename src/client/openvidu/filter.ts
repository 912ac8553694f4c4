import { notSupported } from '../errors.ts';
import type { FilterEvent } from './unsupported-events.ts';

/**
 * OpenVidu's filters of a stream. Rejoin has none; the class exists for programs that name the type or make one for
 * `PublisherProperties`.
 */
export class Filter {
  /** The filter's name. */
  readonly type: string;
  /** The filter's own options. */
  readonly options: object;
  /** Never set, because no method runs. */
  declare readonly lastExecMethod?: {
    /** The method's name. */
    readonly method: string;
    /** The method's own parameters. */
    readonly params: object;
  };

  /** Makes a filter without effect. */
  constructor(type: string, options: object) {
    this.type = type;
    this.options = options;
  }

  /** Rejects. @throws {RejoinError} GENERIC_ERROR, with the code NOT_SUPPORTED */
  async execMethod(_method: string, _params: object): Promise<void> {
    throw notSupported('Filters');
  }

  /** Rejects. @throws {RejoinError} GENERIC_ERROR, with the code NOT_SUPPORTED */
  async addEventListener(_eventType: string, _handler: (event: FilterEvent) => void): Promise<void> {
    throw notSupported('Filters');
  }

  /** Rejects. @throws {RejoinError} GENERIC_ERROR, with the code NOT_SUPPORTED */
  async removeEventListener(_eventType: string): Promise<void> {
    throw notSupported('Filters');
  }
}
