import type { Role } from '../protocol/model.ts';
import { AdvancedConfiguration, type OpenViduAdvancedConfiguration } from './advanced-configuration.ts';
import type { RejoinError } from './errors.ts';
import { canShareScreen, captureMedia, requireMediaDevices } from './media/devices.ts';
import { Publisher } from './media/publisher.ts';
import type { PublisherProperties } from './media/publisher-properties.ts';
import { findTarget, type VideoTarget } from './media/video-placement.ts';
import type { LocalRecorder } from './openvidu/local-recorder.ts';
import { BARE, show, worksInProxies } from './reactive-proxy.ts';
import { Session } from './session/session.ts';
import type { SessionOptions } from './session/session-options.ts';
import type { Stream } from './session/stream.ts';
import { callOut } from './typed-emitter.ts';

/** A camera or a microphone. */
export interface Device {
  /** A camera or a microphone. */
  readonly kind: 'videoinput' | 'audioinput';
  /** The value for `videoSource` or `audioSource`. */
  readonly deviceId: string;
  /** Its name; empty until the user has allowed access to a device. */
  readonly label: string;
}

/** Called when the sources are open, or with the error if they cannot be opened. */
export type PublisherHandler = (error?: RejoinError) => void;

/** The entry point: makes sessions and publishers. Also exported as `OpenVidu`. */
export class Rejoin {
  /** The last session that `initSession` made. `undefined` before that, although OpenVidu's type excludes it. */
  readonly session!: Session;
  /** OpenVidu's: this client's role in the last session. Not in `rejoin.min.js`. */
  declare readonly role: Role | '';
  /** OpenVidu's. Its recorder records nothing and rejects every call. Not in `rejoin.min.js`. */
  declare readonly initLocalRecorder: (stream: Stream) => LocalRecorder;
  /** @internal */
  readonly [BARE] = (): this => this;
  readonly #configuration = new AdvancedConfiguration();

  /** Makes a session, which `connect()` joins. Several sessions can be joined at a time. */
  initSession(options: SessionOptions = {}): Session {
    const session = new Session(options, this.#configuration);
    show<Session>(session, { openvidu: this });
    show<Rejoin>(this, { session });
    return session;
  }

  /**
   * Opens camera and microphone, or the screen, and shows them in `target` if there is one. The publisher can be
   * passed to `session.publish` at once, which waits for the sources. Default: camera and microphone, 640x480.
   * @param target an element or its id
   * @param done called when the sources are open, or with the error if they cannot be opened; then the publisher
   *   emits `accessAllowed` or `accessDenied`
   * @throws {RejoinError} GENERIC_ERROR if the page has no such element; BROWSER_NOT_SUPPORTED outside of a browser
   */
  initPublisher(target?: VideoTarget, properties?: PublisherProperties, done?: PublisherHandler): Publisher;
  initPublisher(target: VideoTarget | undefined, done: PublisherHandler): Publisher;
  initPublisher(
    target?: VideoTarget,
    second: PublisherProperties | PublisherHandler = {},
    third?: PublisherHandler,
  ): Publisher {
    const [properties, done] = typeof second === 'function' ? [{}, second] : [second, third];
    const element = target && findTarget(target);
    const publisher: Publisher = new Publisher(properties, {
      configuration: this.#configuration,
      settled: (error) => {
        // The application may have rendered its page again meanwhile, so look the element up anew.
        const now = typeof target === 'string' ? document.getElementById(target) : null;
        if (!error && element) publisher.createVideoElement(now ?? element, properties.insertMode);
        callOut(() => done?.(error));
      },
    });
    show<Publisher>(publisher, { openvidu: this });
    show<Stream>(publisher.stream, { session: this.session });
    if (element) publisher.targetElement = element;
    return publisher;
  }

  /**
   * Like `initPublisher`, but resolves when the sources are open.
   * @throws {RejoinError} DEVICE_ACCESS_DENIED, INPUT_VIDEO_DEVICE_NOT_FOUND and the like if they cannot be opened
   */
  async initPublisherAsync(target?: VideoTarget, properties: PublisherProperties = {}): Promise<Publisher> {
    const publisher = this.initPublisher(target, properties);
    await publisher.ready;
    return publisher;
  }

  /**
   * Cameras and microphones. Labels are empty until the user has allowed access to a device. @throws {RejoinError}
   * BROWSER_NOT_SUPPORTED
   */
  async getDevices(): Promise<Device[]> {
    requireMediaDevices();
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.flatMap(({ kind, deviceId, label }) =>
      kind === 'audioinput' || kind === 'videoinput' ? { kind, deviceId, label } : [],
    );
  }

  /**
   * Opens camera and microphone, or the screen, without a publisher. The tracks can be passed to one as `audioSource`
   * and `videoSource`. The application must stop them.
   * @throws {RejoinError} DEVICE_ACCESS_DENIED, INPUT_VIDEO_DEVICE_NOT_FOUND and the like if they cannot be opened
   */
  async getUserMedia(properties: PublisherProperties): Promise<MediaStream> {
    const { audio, video } = await captureMedia(properties);
    return new MediaStream([audio, video].filter((track) => track !== undefined));
  }

  /** Whether this browser can make calls. */
  checkSystemRequirements(): boolean {
    return 'RTCPeerConnection' in globalThis && 'WebSocket' in globalThis;
  }

  /** Whether this browser can share its screen: `videoSource: 'screen'`. */
  checkScreenSharingCapabilities(): boolean {
    return canShareScreen();
  }

  /** Keeps the console quiet. Without it, the SDK logs each attempt to join after the first. */
  enableProdMode(): void {
    this.#configuration.isQuiet = true;
  }

  /** Configures all sessions and publishers, existing ones included; replaces the previous configuration. */
  setAdvancedConfiguration(configuration: OpenViduAdvancedConfiguration): void {
    this.#configuration.set(configuration);
  }
}
worksInProxies(Rejoin);
