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
  /** Which of the two. */
  readonly kind: 'videoinput' | 'audioinput';
  /** For `videoSource` or `audioSource`. */
  readonly deviceId: string;
  /** Its name; empty until the user has allowed the use of one. */
  readonly label: string;
}

/** Called when the sources are open, or with the error why not. */
export type PublisherHandler = (error?: RejoinError) => void;

/** The way in: makes sessions and publishers. Also exported as `OpenVidu`. */
export class Rejoin {
  /** The last that `initSession` has made. Its type is OpenVidu's: before that, it is `undefined`. */
  readonly session!: Session;
  /** OpenVidu's: what this client may do in the session that was made last. Not in `rejoin.min.js`. */
  declare readonly role: Role | '';
  /** OpenVidu's. Nothing is recorded: what it makes only says so. Not in `rejoin.min.js`. */
  declare readonly initLocalRecorder: (stream: Stream) => LocalRecorder;
  /** @internal */
  readonly [BARE] = (): this => this;
  readonly #configuration = new AdvancedConfiguration();

  /** Makes a session, to be joined with `connect()`. More than one can be joined at a time. */
  initSession(options: SessionOptions = {}): Session {
    const session = new Session(options, this.#configuration);
    show<Session>(session, { openvidu: this });
    show<Rejoin>(this, { session });
    return session;
  }

  /**
   * Opens camera and microphone, or the screen, and shows them in `target` if there is one. The publisher can be passed to
   * `session.publish` at once, which waits for the sources. Default: camera and microphone, 640x480.
   * @param target an element or its id
   * @param done called when the sources are open, or with the error why not; then the publisher tells `accessAllowed` or
   *   `accessDenied`
   * @throws {RejoinError} GENERIC_ERROR when the page has no such element; BROWSER_NOT_SUPPORTED outside of a browser
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
        // The page may have been drawn anew meanwhile.
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
   * Like `initPublisher`, resolving when the sources are open.
   * @throws {RejoinError} why they are not: DEVICE_ACCESS_DENIED, INPUT_VIDEO_DEVICE_NOT_FOUND and the like
   */
  async initPublisherAsync(target?: VideoTarget, properties: PublisherProperties = {}): Promise<Publisher> {
    const publisher = this.initPublisher(target, properties);
    await publisher.ready;
    return publisher;
  }

  /** Cameras and microphones. Labels are empty until the user has allowed the use of one. @throws {RejoinError} BROWSER_NOT_SUPPORTED */
  async getDevices(): Promise<Device[]> {
    requireMediaDevices();
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.flatMap(({ kind, deviceId, label }) =>
      kind === 'audioinput' || kind === 'videoinput' ? { kind, deviceId, label } : [],
    );
  }

  /**
   * Opens camera and microphone, or the screen, without a publisher: its tracks can be given to one, as `audioSource` and
   * `videoSource`. They are the application's to stop.
   * @throws {RejoinError} why they are not open: DEVICE_ACCESS_DENIED, INPUT_VIDEO_DEVICE_NOT_FOUND and the like
   */
  async getUserMedia(properties: PublisherProperties): Promise<MediaStream> {
    const { audio, video } = await captureMedia(properties);
    return new MediaStream([audio, video].filter((track) => track !== undefined));
  }

  /** Whether this browser can make calls at all. */
  checkSystemRequirements(): boolean {
    return 'RTCPeerConnection' in globalThis && 'WebSocket' in globalThis;
  }

  /** Whether this browser can share its screen: `videoSource: 'screen'`. */
  checkScreenSharingCapabilities(): boolean {
    return canShareScreen();
  }

  /** Keeps the console quiet. Without it, each attempt to join after the first is written there. */
  enableProdMode(): void {
    this.#configuration.isQuiet = true;
  }

  /** Sets how sessions and publishers work, those that are made already among them; replaces what was set before. */
  setAdvancedConfiguration(configuration: OpenViduAdvancedConfiguration): void {
    this.#configuration.set(configuration);
  }
}
worksInProxies(Rejoin);
