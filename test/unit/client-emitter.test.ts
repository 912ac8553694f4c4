import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TypedEmitter } from '../../src/client/typed-emitter.ts';

interface Events {
  word: string;
  late: string;
}

class Speaker extends TypedEmitter<Events> {
  protected override lateEvent(name: keyof Events): string | undefined {
    return name === 'late' ? 'said before' : undefined;
  }
}

test('once() is called once, even if the listener emits the event', () => {
  const speaker = new Speaker();
  const heard: string[] = [];
  speaker.once('word', (word) => {
    heard.push(word);
    speaker.emitEvent('word', 'again');
  });
  speaker.emitEvent('word', 'first');
  speaker.emitEvent('word', 'second');
  assert.deepEqual(heard, ['first']);
});

test('once() for a past event is called with it, and with no later one', async () => {
  const speaker = new Speaker();
  const heard: string[] = [];
  speaker.once('late', (word) => heard.push(word));
  await Promise.resolve();
  speaker.emitEvent('late', 'new');
  assert.deepEqual(heard, ['said before']);
  speaker.on('late', (word) => heard.push(word));
  await Promise.resolve();
  speaker.emitEvent('late', 'new');
  assert.deepEqual(heard, ['said before', 'said before', 'new']);
});

test('a throwing listener does not block others, and the page sees its error', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const speaker = new Speaker();
  const heard: string[] = [];
  speaker.on('word', () => {
    throw new Error('of the application');
  });
  speaker.on('word', (word) => heard.push(word));
  speaker.emitEvent('word', 'hello');
  assert.deepEqual(heard, ['hello']);
  assert.throws(() => t.mock.timers.runAll(), /of the application/);
});

test('off() removes listeners of on() and once(), one or all of a name', async () => {
  const speaker = new Speaker();
  const heard: string[] = [];
  const listener = (word: string): void => void heard.push(word);
  speaker.once('word', listener).on('late', listener).off('word', listener);
  speaker.emitEvent('word', 'to nobody');
  await Promise.resolve();
  assert.deepEqual(heard.splice(0), ['said before']);
  speaker.off('late', listener).on('late', listener).off('late', listener);
  await Promise.resolve();
  speaker.on('word', listener).once('word', listener).off('word');
  speaker.emitEvent('word', 'to nobody');
  speaker.emitEvent('late', 'to nobody');
  assert.deepEqual(heard, []);
});
