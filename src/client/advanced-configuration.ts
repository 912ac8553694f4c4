/** When a publisher counts as speaking, and how often volumes are looked at. */
export interface PublisherSpeakingEventsOptions {
  /** How often the volume is measured, ms; default 100. */
  readonly interval?: number;
  /** The volume from which on it is speech, dB below full scale; default -50. */
  readonly threshold?: number;
}

/** What `setAdvancedConfiguration` takes; what is left out has its default. */
export interface OpenViduAdvancedConfiguration {
  /**
   * STUN and TURN servers to use in place of those that the server names. The string `'freeice'`, which OpenVidu takes,
   * stands for the server's own here.
   */
  readonly iceServers?: readonly RTCIceServer[] | string;
  /** What every `RTCPeerConnection` is made with, e.g. `{ iceTransportPolicy: 'relay' }`. Its own `iceServers` count where the ones above are not set. */
  readonly rtcConfiguration?: RTCConfiguration;
  /** For `publisherStartSpeaking`, `publisherStopSpeaking` and `streamAudioVolumeChange`. */
  readonly publisherSpeakingEventsOptions?: PublisherSpeakingEventsOptions;
  /** Restarts ICE after every loss of the socket, also where the media seems to flow; default `false`. */
  readonly forceMediaReconnectionAfterNetworkDrop?: boolean;
  /** How long ICE may be `disconnected` before `exception` says so (`ICE_CONNECTION_DISCONNECTED`), ms; default 4 000. */
  readonly iceConnectionDisconnectedExceptionTimeout?: number;
  /** How long a subscriber may take to play before `exception` says so (`NO_STREAM_PLAYING_EVENT`), ms; default 4 000. */
  readonly noStreamPlayingEventExceptionTimeout?: number;
}

/**
 * The configuration as the SDK reads it, with its defaults. One object is shared by all that one `OpenVidu` has made, and
 * read at the moment of use: what the application sets after `initSession` counts, too.
 */
export class AdvancedConfiguration {
  /** Whether the console is for the application alone. */
  isQuiet = false;
  #set: OpenViduAdvancedConfiguration = {};

  /** Replaces what was set before. */
  set(configuration: OpenViduAdvancedConfiguration): void {
    this.#set = configuration;
  }

  /** What a peer connection is made with, where the server names `named`. */
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
