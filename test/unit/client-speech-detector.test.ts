import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Spectrum, SpeechDetector, volumeOf } from '../../src/client/media/speech-detector.ts';

const SETTINGS = { interval: 100, threshold: -50 };

/** A spectrum whose sixth frequency has this volume. */
function sound(volume: number): Spectrum {
  return {
    frequencyBinCount: 8,
    getFloatFrequencyData: (into) => {
      into.fill(Number.NEGATIVE_INFINITY);
      into[5] = volume;
    },
  };
}

class Listener {
  now = 0;
  readonly heard: string[] = [];
  readonly volumes: [number, number][] = [];
  readonly detector = new SpeechDetector(
    {
      started: () => this.heard.push(`start ${this.now}`),
      stopped: () => this.heard.push(`stop ${this.now}`),
      volumeChanged: (newValue, oldValue) => this.volumes.push([newValue, oldValue]),
    },
    () => this.now,
  );

  hear(volumes: readonly number[], everyMs = 100): void {
    for (const volume of volumes) {
      this.now += everyMs;
      this.detector.look(sound(volume), SETTINGS);
    }
  }
}

const times = (count: number, volume: number): number[] => Array.from({ length: count }, () => volume);

test('speech begins after two loud checks of three, and ends after a second of silence', () => {
  const listener = new Listener();
  listener.hear([-80, -30, -80, -30]);
  assert.deepEqual(listener.heard, ['start 400']);
  listener.hear([...times(9, -80), -30, ...times(9, -80)]);
  assert.deepEqual(listener.heard, ['start 400']);
  listener.hear(times(3, -80));
  assert.deepEqual(listener.heard, ['start 400', 'stop 2400']);
  listener.hear([-30, -30]);
  assert.equal(listener.heard.length, 3);
});

test('clicks are not speech, at any number', () => {
  const listener = new Listener();
  for (let click = 0; click < 20; click += 1) listener.hear([-10, -80, -80]);
  assert.deepEqual(listener.heard, []);
});

test('a volume equal to the threshold does not exceed it', () => {
  const listener = new Listener();
  listener.hear(times(10, -50));
  assert.deepEqual(listener.heard, []);
  listener.hear(times(2, -49));
  assert.deepEqual(listener.heard, ['start 1200']);
});

test('a page that checks once a second detects the end of speech as soon', () => {
  const listener = new Listener();
  listener.hear([-30, -30, -80], 1_000);
  assert.deepEqual(listener.heard, ['start 2000', 'stop 3000']);
});

test('the volume is reported when it changes, from -100 to 0', () => {
  const listener = new Listener();
  listener.hear([Number.NEGATIVE_INFINITY, -40, -40, 7, Number.NEGATIVE_INFINITY]);
  assert.deepEqual(listener.volumes, [
    [-40, -100],
    [0, -40],
    [-100, 0],
  ]);
});

test('the hum of the lowest frequencies is ignored', () => {
  const hum: Spectrum = {
    frequencyBinCount: 8,
    getFloatFrequencyData: (into) => void into.fill(-10, 0, 4).fill(-70, 4),
  };
  assert.equal(volumeOf(hum), -70);
});
