import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PageEvent, PageLife } from '../../src/client/session/page-life.ts';

class Browser extends EventTarget {
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'visible' as DocumentVisibilityState });
  readonly navigator = { onLine: true, connection: new EventTarget() };
}

const about = (type: string, persisted?: boolean): Event => Object.assign(new Event(type), { persisted });

test('the browser’s events map to page events', () => {
  const browser = new Browser();
  const told: PageEvent[] = [];
  const page = new PageLife((event) => told.push(event), browser);
  page.start();
  // React mounts twice.
  page.start();
  const cases: [EventTarget, Event, PageEvent[]][] = [
    [browser, about('offline'), ['offline']],
    [browser, about('online'), ['online']],
    [browser, about('pagehide', true), ['suspended']],
    [browser, about('pageshow', true), ['resumed']],
    [browser, about('pageshow', false), []],
    [browser, about('pagehide', false), ['gone']],
    [browser.document, about('freeze'), ['suspended']],
    [browser.document, about('resume'), ['resumed']],
    [browser.document, about('visibilitychange'), ['check']],
    [browser.navigator.connection, about('change'), ['check']],
  ];
  for (const [target, event, expected] of cases) {
    target.dispatchEvent(event);
    assert.deepEqual(told.splice(0), expected, event.type);
  }
  browser.document.visibilityState = 'hidden';
  browser.document.dispatchEvent(about('visibilitychange'));
  assert.deepEqual(told, []);
  page.stop();
  for (const [target, event] of cases) target.dispatchEvent(new Event(event.type));
  assert.deepEqual(told, []);
});

test('only a browser that reports it is offline; without a browser there are no events', () => {
  const browser = new Browser();
  const page = new PageLife(() => {}, browser);
  assert.equal(page.isOffline, false);
  browser.navigator.onLine = false;
  assert.equal(page.isOffline, true);
  const none = new PageLife(() => assert.fail(), {});
  none.start();
  assert.equal(none.isOffline, false);
  none.stop();
});
