import type { types } from 'mediasoup';
import type { types as client } from 'mediasoup-client';
import type { WebSocket } from 'ws';
import { ownAddress } from '../../test/fixtures/browsers/own-address.ts';
import type { RawRequest, RawServerMessage } from './raw-messages.ts';

/** Same as a media node's, bit/s. */
const INITIAL_OUTGOING_BITRATE = 1_500_000;

interface Media {
  readonly router: types.Router;
  readonly send: types.WebRtcTransport;
  readonly recv: types.WebRtcTransport;
  readonly producers: types.Producer[];
  readonly consumers: Map<string, types.Consumer>;
}

/** The server's end of a page of the raw call. */
export class RawPeer {
  readonly #socket: WebSocket;
  readonly #all: () => Iterable<RawPeer>;
  #media: Media | undefined;
  #canReceive: types.RtpCapabilities | undefined;

  constructor(socket: WebSocket, all: () => Iterable<RawPeer>) {
    this.#socket = socket;
    this.#all = all;
    socket.on('message', (data) => void this.#take(JSON.parse(String(data)) as RawRequest));
  }

  /** Picture and sound arrive. */
  get isSending(): boolean {
    return this.#media?.producers.length === 2 && this.#media.send.dtlsState === 'connected';
  }

  /** Moves all media to this router. */
  async begin(router: types.Router): Promise<void> {
    this.#media = undefined;
    const make = (): Promise<types.WebRtcTransport> =>
      router.createWebRtcTransport({
        listenInfos: [
          { protocol: 'udp', ip: ownAddress() },
          { protocol: 'tcp', ip: ownAddress() },
        ],
        preferUdp: true,
        initialAvailableOutgoingBitrate: INITIAL_OUTGOING_BITRATE,
      });
    const [send, recv] = await Promise.all([make(), make()]);
    this.#media = { router, send, recv, producers: [], consumers: new Map() };
    this.#say({
      t: 'media',
      routerRtpCapabilities: router.rtpCapabilities as client.RtpCapabilities,
      send: optionsOf(send),
      recv: optionsOf(recv),
    });
  }

  close(): void {
    this.#media?.send.close();
    this.#media?.recv.close();
  }

  async #take(request: RawRequest): Promise<void> {
    const media = this.#media;
    if (!media) return;
    switch (request.t) {
      case 'connect':
        return media[request.direction].connect({ dtlsParameters: request.dtlsParameters });
      case 'canReceive': {
        this.#canReceive = request.rtpCapabilities;
        const there = [...this.#all()].filter((peer) => peer !== this).flatMap((peer) => peer.#media?.producers ?? []);
        return this.#offer(there.filter((producer) => !producer.closed));
      }
      case 'produce': {
        const { kind, rtpParameters } = request;
        const producer = await media.send.produce({ kind, rtpParameters });
        media.producers.push(producer);
        for (const peer of this.#all()) if (peer !== this) void peer.#offer([producer]);
        return;
      }
      case 'resume':
        await Promise.all(request.consumers.map((id) => media.consumers.get(id)?.resume()));
    }
  }

  async #offer(producers: readonly types.Producer[]): Promise<void> {
    const media = this.#media;
    const rtpCapabilities = this.#canReceive;
    if (!media || !rtpCapabilities || producers.length === 0) return;
    const consumers = await Promise.all(
      producers.map(({ id, kind }) =>
        media.recv.consume({ producerId: id, rtpCapabilities, paused: kind === 'video' }),
      ),
    );
    for (const consumer of consumers) media.consumers.set(consumer.id, consumer);
    this.#say({
      t: 'consume',
      consumers: consumers.map(consumerOf),
    });
  }

  #say(message: RawServerMessage): void {
    this.#socket.send(JSON.stringify(message));
  }
}

function optionsOf({
  id,
  iceParameters,
  iceCandidates,
  dtlsParameters,
}: types.WebRtcTransport): client.TransportOptions {
  return { id, iceParameters, iceCandidates, dtlsParameters };
}

/** The two libraries have different types for the same parameters. */
function consumerOf({ id, producerId, kind, rtpParameters }: types.Consumer): client.ConsumerOptions {
  return { id, producerId, kind, rtpParameters: rtpParameters as client.RtpParameters };
}
