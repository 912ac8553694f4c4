import type { RejoinError } from './errors.ts';
import { requireMediaDevices } from './media/devices.ts';
import { Publisher, type PublisherProperties } from './media/publisher.ts';
import { findTarget, type VideoTarget } from './media/video-placement.ts';
import { Session } from './session/session.ts';
import type { SessionOptions } from './session/session-options.ts';

/** A camera, microphone or loudspeaker. */
export interface Device {
  readonly kind: string;
  readonly deviceId: string;
  readonly label: string;
}

/** The way in: makes sessions and publishers. */
export class Rejoin {
  initSession(options: SessionOptions = {}): Session {
    return new Session(options);
  }

  /**
   * Opens camera and microphone, and shows them in `target` if there is one. The publisher can be passed to
   * `session.publish` at once, which waits for the sources.
   * @param target an element or its id
   * @param done called when the sources are open, or with the error why not
   */
  initPublisher(
    target?: VideoTarget,
    properties: PublisherProperties = {},
    done?: (error?: RejoinError) => void,
  ): Publisher {
    const publisher = new Publisher(properties);
    publisher.ready.then(
      () => {
        if (target !== undefined && findTarget(target)) publisher.createVideoElement(target, properties.insertMode);
        done?.();
      },
      (error: RejoinError) => done?.(error),
    );
    return publisher;
  }

  /** Like `initPublisher`, resolving when the sources are open. @throws {RejoinError} why not */
  async initPublisherAsync(target?: VideoTarget, properties: PublisherProperties = {}): Promise<Publisher> {
    const publisher = this.initPublisher(target, properties);
    await publisher.ready;
    return publisher;
  }

  /** Cameras and microphones. Labels are empty until the user has allowed the use of one. */
  async getDevices(): Promise<Device[]> {
    requireMediaDevices();
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices
      .filter(({ kind }) => kind === 'audioinput' || kind === 'videoinput')
      .map(({ kind, deviceId, label }) => ({ kind, deviceId, label }));
  }

  /** Whether this browser can make calls at all. */
  checkSystemRequirements(): boolean {
    return 'RTCPeerConnection' in globalThis && 'WebSocket' in globalThis;
  }
}
