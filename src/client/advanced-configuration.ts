/** When a publisher counts as speaking, and how often its volume is measured. */
export interface PublisherSpeakingEventsOptions {
  /** How often the volume is measured, ms; default 100. */
  readonly interval?: number;
  /** The lowest volume that counts as speech, dB below full scale; default -50. */
  readonly threshold?: number;
}

/** Options of `setAdvancedConfiguration`; an omitted option has its default. */
export interface OpenViduAdvancedConfiguration {
  /**
   * STUN and TURN servers in place of those that the server names. The string `'freeice'`, which OpenVidu accepts,
   * selects the server's own here.
   */
  readonly iceServers?: readonly RTCIceServer[] | string;
  /**
   * Options of every `RTCPeerConnection`, e.g. `{ iceTransportPolicy: 'relay' }`. Its `iceServers` apply if the ones
   * above are not set.
   */
  readonly rtcConfiguration?: RTCConfiguration;
  /** For `publisherStartSpeaking`, `publisherStopSpeaking` and `streamAudioVolumeChange`. */
  readonly publisherSpeakingEventsOptions?: PublisherSpeakingEventsOptions;
  /** Restarts ICE after every loss of the socket, even if the media seems to flow; default `false`. */
  readonly forceMediaReconnectionAfterNetworkDrop?: boolean;
  /** How long ICE may be `disconnected` before an `exception` (`ICE_CONNECTION_DISCONNECTED`), ms; default 4 000. */
  readonly iceConnectionDisconnectedExceptionTimeout?: number;
  /** How long a subscriber may take to play before an `exception` (`NO_STREAM_PLAYING_EVENT`), ms; default 4 000. */
  readonly noStreamPlayingEventExceptionTimeout?: number;
}

/**
 * The configuration with its defaults. All objects made by one `OpenVidu` share it and read it at the moment of use,
 * so that calls after `initSession` take effect, too.
 */
export class AdvancedConfiguration {
  /** True keeps the console for the application alone. */
  isQuiet = false;
  #set: OpenViduAdvancedConfiguration = {};

  /** Replaces the previous configuration. */
  set(configuration: OpenViduAdvancedConfiguration): void {
    this.#set = configuration;
  }

  /** Options for a peer connection; `named` are the servers that the server names. */
  peerConnectionFor(named: readonly RTCIceServer[]): RTCConfiguration {
    const { iceServers, rtcConfiguration } = this.#set;
    const set = typeof iceServers === 'object' ? iceServers : rtcConfiguration?.iceServers;
    return { ...rtcConfiguration, iceServers: [...(set ?? named)] };
  }

  /** ms and dB. */
  get speaking(): Required<PublisherSpeakingEventsOptions> {
    const { interval = 100, threshold = -50 } = this.#set.publisherSpeakingEventsOptions ?? {};
    return { interval, threshold };
  }

  get forceMediaReconnection(): boolean {
    return this.#set.forceMediaReconnectionAfterNetworkDrop ?? false;
  }

  /** ms. */
  get iceDisconnectedTimeout(): number {
    return this.#set.iceConnectionDisconnectedExceptionTimeout ?? 4_000;
  }

  /** ms. */
  get noStreamPlayingTimeout(): number {
    return this.#set.noStreamPlayingEventExceptionTimeout ?? 4_000;
  }
}
