import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SharedAudio } from '../../src/client/media/shared-audio.ts';
import { SpeechWatch } from '../../src/client/media/speech-watch.ts';

/** A browser's audio; the test sets the volume of each track. */
class FakeContext {
  static readonly open = new Set<FakeContext>();
  state = 'suspended';
  resumes = 0;
  readonly connected = new Set<Track>();

  constructor() {
    FakeContext.open.add(this);
  }

  createMediaStreamSource({ track }: { track: Track }): object {
    if (track.isBroken) throw new Error('InvalidStateError');
    return {
      connect: (analyser: { track?: Track }) => {
        analyser.track = track;
        this.connected.add(track);
      },
      disconnect: () => this.connected.delete(track),
    };
  }

  createAnalyser(): object {
    const analyser = {
      track: undefined as Track | undefined,
      frequencyBinCount: 8,
      getFloatFrequencyData: (into: Float32Array) => into.fill(analyser.track?.volume ?? -100),
    };
    return analyser;
  }

  async resume(): Promise<void> {
    this.resumes += 1;
  }

  async close(): Promise<void> {
    FakeContext.open.delete(this);
  }
}

interface Track {
  volume: number;
  isBroken?: boolean;
}

function watched(t: TestContext, make = () => new FakeContext()) {
  FakeContext.open.clear();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const page = new EventTarget();
  const waiting = new Set<string>();
  for (const name of ['addEventListener', 'removeEventListener'] as const) {
    const before = Reflect.get(globalThis, name);
    Reflect.set(globalThis, name, (type: string, listener: EventListener) => {
      page[name](type, listener);
      if (name === 'addEventListener') waiting.add(type);
      else waiting.delete(type);
    });
    t.after(() => Reflect.set(globalThis, name, before));
  }
  // Node has no MediaStream: this one has a single track.
  class FakeStream {
    readonly track: unknown;
    constructor([track]: unknown[]) {
      this.track = track;
    }
  }
  Reflect.set(globalThis, 'MediaStream', FakeStream);
  t.after(() => Reflect.deleteProperty(globalThis, 'MediaStream'));
  const audio = new SharedAudio(make as unknown as () => AudioContext);
  const made: { track: Track | undefined; heard: string[]; watch: SpeechWatch }[] = [];
  const open = (track: Track | undefined) => {
    const one = { track, heard: [] as string[], watch: undefined as unknown as SpeechWatch };
    one.watch = new SpeechWatch({
      audio,
      track: () => one.track as unknown as MediaStreamTrack | undefined,
      settings: () => ({ interval: 100, threshold: -50 }),
      hearing: {
        started: () => one.heard.push('start'),
        stopped: () => one.heard.push('stop'),
        volumeChanged: (newValue) => one.heard.push(`${newValue}`),
      },
    });
    one.watch.refresh();
    made.push(one);
    return one;
  };
  const looks = (count: number): void => {
    for (let look = 0; look < count; look += 1) t.mock.timers.tick(100);
  };
  return { open, looks, page, waiting };
}

test('all tracks share one AudioContext, which is closed with the last', (t) => {
  const { open } = watched(t);
  const [one, other] = [open({ volume: -20 }), open({ volume: -90 })];
  assert.equal(FakeContext.open.size, 1);
  one.track = undefined;
  one.watch.refresh();
  assert.equal(FakeContext.open.size, 1);
  other.track = undefined;
  other.watch.refresh();
  assert.equal(FakeContext.open.size, 0);
  one.track = { volume: -20 };
  one.watch.refresh();
  assert.equal(FakeContext.open.size, 1);
});

test('speech continues in another track, without another start', (t) => {
  const { open, looks } = watched(t);
  const one = open({ volume: -20 });
  looks(2);
  one.track = { volume: -20 };
  one.watch.refresh();
  looks(5);
  assert.deepEqual(one.heard, ['-20', 'start']);
  const [context] = FakeContext.open;
  assert.equal(context?.connected.size, 1);
});

test('a returning listener learns of present speech', (t) => {
  const { open, looks } = watched(t);
  const track = { volume: -20 };
  const one = open(track);
  looks(3);
  one.track = undefined;
  one.watch.refresh();
  looks(3);
  // Listeners for the end get it.
  assert.deepEqual(one.heard.splice(0), ['-20', 'start', 'stop']);
  one.track = track;
  one.watch.refresh();
  looks(3);
  assert.deepEqual(one.heard, ['-20', 'start']);
});

test('a blocked context is resumed at every click, as long as it exists', (t) => {
  const { open, page, waiting } = watched(t);
  const one = open({ volume: -20 });
  const [context] = FakeContext.open;
  page.dispatchEvent(new Event('click'));
  assert.equal(context?.resumes, 1);
  if (context) context.state = 'running';
  page.dispatchEvent(new Event('keydown'));
  assert.equal(context?.resumes, 1);
  if (context) context.state = 'suspended';
  one.track = undefined;
  assert.equal(waiting.size, 3);
  one.watch.refresh();
  page.dispatchEvent(new Event('click'));
  assert.equal(context?.resumes, 1);
  assert.equal(waiting.size, 0);
});

test('a browser without audio, or an unusable track, is silent without an error', (t) => {
  const { open, looks } = watched(t, () => {
    throw new Error('NotSupportedError');
  });
  const one = open({ volume: -20 });
  looks(3);
  assert.deepEqual(one.heard, []);
});

test('an unusable track leaves no context behind', (t) => {
  const { open, looks } = watched(t);
  const one = open({ volume: -20, isBroken: true });
  looks(3);
  assert.deepEqual(one.heard, []);
  assert.equal(FakeContext.open.size, 0);
});
