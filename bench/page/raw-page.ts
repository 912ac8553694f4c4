import { Device, type types } from 'mediasoup-client';
import { videoEncodings } from '../../src/client/media/encodings.ts';
import type { RawMedia, RawRequest, RawServerMessage, RawTransport } from '../floor/raw-messages.ts';
import { FrameLog } from './frame-log.ts';
import { ownTracks } from './own-media.ts';

/** Same start as the SDK's, kbit/s. */
const START_BITRATE = 1_000;

/** One participant of a call without a cluster: mediasoup-client, and as few messages as possible. */
class RawPage {
  readonly #stream = new MediaStream();
  readonly #device = new Device();
  #tracks: readonly MediaStreamTrack[] = [];
  #socket: WebSocket | undefined;
  #recv: types.Transport | undefined;
  /** Transports of the former media, until the new media is ready. */
  #old: readonly types.Transport[] = [];
  #open: types.Transport[] = [];

  /** Returns the Unix time, ms, at which the socket was opened. */
  async join(): Promise<number> {
    this.#tracks = (await ownTracks('camera')).map((track) => track.clone());
    const video = document.createElement('video');
    video.autoplay = true;
    video.srcObject = this.#stream;
    document.querySelector('#videos')?.append(video);
    globalThis.frameLog = new FrameLog(video, false);
    const began = performance.timeOrigin + performance.now();
    this.#socket = new WebSocket(`ws://${location.host}`);
    this.#socket.addEventListener(
      'message',
      ({ data }) => void this.#take(JSON.parse(String(data)) as RawServerMessage),
    );
    return began;
  }

  async #take(message: RawServerMessage): Promise<void> {
    if (message.t === 'media') await this.#begin(message);
    else await this.#receive(message.consumers);
  }

  /** Starts over: transports both ways, and the sent tracks. */
  async #begin({ routerRtpCapabilities, send, recv }: RawMedia): Promise<void> {
    if (!this.#device.loaded) await this.#device.load({ routerRtpCapabilities });
    this.#old = this.#open;
    this.#open = [];
    this.#recv = this.#connect('recv', this.#device.createRecvTransport(recv));
    this.#say({ t: 'canReceive', rtpCapabilities: this.#device.recvRtpCapabilities });
    const sending = this.#connect('send', this.#device.createSendTransport(send));
    sending.on('produce', ({ kind, rtpParameters }, done) => {
      this.#say({ t: 'produce', kind, rtpParameters });
      done({ id: crypto.randomUUID() });
    });
    await Promise.all(
      this.#tracks.map((track) =>
        sending.produce({
          track,
          stopTracks: false,
          ...(track.kind === 'video'
            ? { encodings: videoEncodings(track, true), codecOptions: { videoGoogleStartBitrate: START_BITRATE } }
            : {}),
        }),
      ),
    );
  }

  async #receive(options: readonly types.ConsumerOptions[]): Promise<void> {
    const recv = this.#recv;
    if (!recv) return;
    const consumers = await Promise.all(options.map((one) => recv.consume(one)));
    this.#say({ t: 'resume', consumers: consumers.map(({ id }) => id) });
    for (const { track } of consumers) this.#stream.addTrack(track);
    for (const track of this.#old.length > 0 ? this.#shownBefore(consumers) : []) this.#stream.removeTrack(track);
    for (const transport of this.#old) transport.close();
    this.#old = [];
  }

  #shownBefore(consumers: readonly types.Consumer[]): MediaStreamTrack[] {
    return this.#stream.getTracks().filter((track) => !consumers.some((consumer) => consumer.track === track));
  }

  #connect(direction: RawTransport, transport: types.Transport): types.Transport {
    this.#open.push(transport);
    transport.on('connect', ({ dtlsParameters }, done) => {
      this.#say({ t: 'connect', direction, dtlsParameters });
      done();
    });
    return transport;
  }

  #say(request: RawRequest): void {
    this.#socket?.send(JSON.stringify(request));
  }
}

declare global {
  var raw: RawPage;
}
globalThis.raw = new RawPage();
