// Proves that a media worker carries media: `node scripts/worker/verify.mjs <path of the worker>` exits 0 only after
// video sent over one encrypted transport has arrived over another.
//
// A worker that starts and answers requests proves little: wrong libraries fail only at the first DTLS handshake or
// SRTP packet.

import { networkInterfaces } from 'node:os';
import process from 'node:process';
import wrtc from '@roamhq/wrtc';
import { createWorker } from 'mediasoup';
import { Device } from 'mediasoup-client';

const TIME_LIMIT = 20_000;
const WIDTH = 320;
const HEIGHT = 240;

const workerBin = process.argv[2];
if (!workerBin) finish('usage: node scripts/worker/verify.mjs <path of the worker>');

const started = performance.now();
setTimeout(() => finish(`no video arrived within ${TIME_LIMIT / 1000} s`), TIME_LIMIT);

// mediasoup-client expects WebRTC in a browser's globals.
Object.assign(globalThis, wrtc);

try {
  const worker = await createWorker({ workerBin, logLevel: 'error' });
  worker.on('died', (error) => finish(`the worker died while connecting: ${error.message}`));

  const router = await worker.createRouter({
    mediaCodecs: [{ kind: 'video', mimeType: 'video/VP8', clockRate: 90_000 }],
  });
  const device = new Device({ handlerName: 'Chrome111' });
  await device.load({ routerRtpCapabilities: router.rtpCapabilities });

  const produced = await send(router, device);
  await receive(router, device, produced);
  finish();
} catch (error) {
  finish(error.message);
}

/** Sends a synthetic picture, 20 times a second, until the process ends. Returns the producer at the worker. */
async function send(router, device) {
  const [remote, local] = await transports(router, device, 'createSendTransport');
  let producer;
  local.on('produce', ({ kind, rtpParameters }, done, failed) => {
    remote.produce({ kind, rtpParameters }).then((created) => {
      producer = created;
      done({ id: created.id });
    }, failed);
  });

  const source = new wrtc.nonstandard.RTCVideoSource();
  const frame = { width: WIDTH, height: HEIGHT, data: new Uint8ClampedArray(WIDTH * HEIGHT * 1.5) };
  setInterval(() => {
    frame.data.fill((frame.data[0] + 1) % 256);
    source.onFrame(frame);
  }, 50);

  await local.produce({ track: source.createTrack() });
  return producer;
}

/** Resolves with the first received frame. */
async function receive(router, device, producer) {
  const [remote, local] = await transports(router, device, 'createRecvTransport');
  const consumer = await remote.consume({
    producerId: producer.id,
    rtpCapabilities: device.recvRtpCapabilities ?? device.rtpCapabilities,
    paused: true,
  });
  const { id, kind, rtpParameters } = consumer;
  const { track } = await local.consume({ id, producerId: producer.id, kind, rtpParameters });
  const sink = new wrtc.nonstandard.RTCVideoSink(track);
  const arrived = new Promise((resolve) => {
    sink.onframe = resolve;
  });
  await consumer.resume();
  await arrived;
}

/** A WebRTC transport at the worker, and its counterpart here. */
async function transports(router, device, create) {
  const remote = await router.createWebRtcTransport({
    listenInfos: addresses().map((ip) => ({ protocol: 'udp', ip })),
  });
  const { id, iceParameters, iceCandidates, dtlsParameters } = remote;
  const local = device[create]({ id, iceParameters, iceCandidates, dtlsParameters });
  local.on('connect', ({ dtlsParameters }, done, failed) => remote.connect({ dtlsParameters }).then(done, failed));
  return [remote, local];
}

/** Loopback, and every other address, because some WebRTC stacks do not use loopback. */
function addresses() {
  const others = Object.values(networkInterfaces())
    .flat()
    .filter(({ family, internal }) => family === 'IPv4' && !internal);
  return ['127.0.0.1', ...others.map(({ address }) => address)];
}

/** Ends the process at once, which also closes everything. */
function finish(problem) {
  if (problem) process.stderr.write(`${problem}\n`);
  else process.stdout.write(`video arrived after ${Math.round(performance.now() - started)} ms\n`);
  process.exit(problem ? 1 : 0);
}
