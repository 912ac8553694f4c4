import { expect, test } from './fixtures.ts';

test('two participants see and hear each other, chat, mute and leave', async ({ meet }) => {
  const [ann, bob] = await meet();
  await ann.say('hello Bob');
  await bob.say('hello Ann');
  for (const guest of [ann, bob]) {
    await guest.reads('hello Bob');
    await guest.reads('hello Ann');
  }
  const audio = await bob.videos.first().evaluate((video) => {
    const tracks = ((video as HTMLVideoElement).srcObject as MediaStream).getAudioTracks();
    return tracks.map(({ readyState, muted }) => ({ readyState, muted }));
  });
  expect(audio).toEqual([{ readyState: 'live', muted: false }]);
  await ann.page.getByTestId('chat-input').blur();
  await ann.page.keyboard.press('m');
  await expect(bob.event('streamPropertyChanged')).toHaveCount(1);
  await ann.page.getByTestId('leave-button').click();
  await expect(bob.videos).toHaveCount(0);
  await expect(bob.event('streamDestroyed')).toHaveCount(1);
  await expect(bob.event('connectionDestroyed')).toHaveCount(1);
});

test('a dropped socket resumes: no message is lost, and the media continues', async ({ meet }) => {
  const [ann, bob] = await meet();
  await bob.markVideos();
  expect(await bob.dropSockets()).toBe(1);
  await ann.say('sent while Bob was away');
  await expect(bob.event('reconnecting').first()).toBeAttached();
  await expect(bob.event('reconnected')).toHaveCount(1);
  await bob.reads('sent while Bob was away');
  await bob.say('and I am back');
  await ann.reads('and I am back');
  // Media takes another path, so it must not stop while the socket is away. The limit is wide, for slow machines.
  expect(await bob.longestGap()).toBeLessThan(2_000);
  await bob.sees(1);
  expect(await bob.sameVideos()).toBe(true);
  await expect(bob.event('streamDestroyed')).toHaveCount(0);
  await expect(ann.event('connectionDestroyed')).toHaveCount(0);
});

test('a participant that opens another page leaves at once, without a ghost', async ({ join }) => {
  const ann = await join('Ann');
  const bob = await join('Bob');
  await ann.sees(1);
  await bob.page.goto('about:blank');
  // Without a goodbye it would take the grace period of 20 s.
  await expect(ann.videos).toHaveCount(0, { timeout: 10_000 });
});

test('the balancer is killed: all participants come back through the next one', async ({ meet, running }) => {
  const [ann, bob] = await meet();
  running.cluster.kill('balancer-1');
  for (const guest of [ann, bob]) await expect(guest.event('reconnected')).toHaveCount(1, { timeout: 20_000 });
  await ann.say('still here');
  await bob.reads('still here');
  await Promise.all([ann.sees(1), bob.sees(1)]);
  for (const guest of [ann, bob]) await expect(guest.event('sessionDestroyed')).toHaveCount(0);
});
