import { expect, test } from './fixtures.ts';

test.use({ failover: 'takeover' });

test('the owner is killed: the picture does not stop, and no stream or connection is announced anew', async ({
  join,
  running,
  room,
}) => {
  const ann = await join('Ann');
  const bob = await join('Bob');
  const guests = [ann, bob];
  await Promise.all(guests.map((guest) => guest.sees(1)));
  for (const guest of guests) await guest.markVideos();
  const streams = await Promise.all(guests.map(({ page }) => page.getByTestId('tile').getAttribute('data-stream-id')));
  const before = await running.session(room);
  const owner = await running.ownerOf(room);
  const pid = running.cluster.kill(owner);
  await expect.poll(async () => (await running.session(room))?.owner).not.toBe(before?.owner);
  await Promise.all([ann.say('who is in charge now?'), bob.say('does it matter?')]);
  for (const guest of guests) {
    await guest.reads('who is in charge now?');
    await guest.reads('does it matter?');
  }
  const after = await running.session(room);
  expect(after?.uniqueSessionId).toBe(before?.uniqueSessionId);
  expect(after?.epoch).toBe((before?.epoch ?? 0) + 1);
  // Not longer than the standstills of a loaded machine, and far below the time of a rebuild.
  for (const guest of guests) expect(await guest.longestGap()).toBeLessThan(1_000);
  await Promise.all(guests.map((guest) => guest.sees(1)));
  for (const [at, guest] of guests.entries()) {
    expect(await guest.sameVideos()).toBe(true);
    expect(await guest.page.getByTestId('tile').getAttribute('data-stream-id')).toBe(streams[at]);
    for (const event of ['sessionDestroyed', 'streamDestroyed', 'connectionDestroyed', 'rebuilding']) {
      await expect(guest.event(event)).toHaveCount(0);
    }
    await expect(guest.event('streamCreated')).toHaveCount(2);
  }
  // The new owner has full control: a third participant can join, and the session can end there.
  const cat = await join('Cat');
  await Promise.all([ann.sees(2), bob.sees(2), cat.sees(2)]);
  await ann.page.getByTestId('leave-button').click();
  await expect(bob.videos).toHaveCount(1);
  await running.restarted(owner, pid);
});

test('the media node is killed: the same streams continue at another node', async ({ join, running, room }) => {
  const ann = await join('Ann');
  const bob = await join('Bob');
  const guests = [ann, bob];
  await Promise.all(guests.map((guest) => guest.sees(1)));
  for (const guest of guests) await guest.markVideos();
  const before = await running.session(room);
  const mediaNode = await running.mediaNodeOf(room);
  const pid = running.cluster.kill(mediaNode);
  for (const guest of guests) await expect(guest.event('reconnected')).toHaveCount(1);
  await Promise.all(guests.map((guest) => guest.sees(1)));
  expect(await running.mediaNodeOf(room)).not.toBe(mediaNode);
  expect((await running.session(room))?.uniqueSessionId).toBe(before?.uniqueSessionId);
  for (const guest of guests) {
    expect(await guest.sameVideos()).toBe(true);
    for (const event of ['sessionDestroyed', 'streamDestroyed', 'connectionDestroyed']) {
      await expect(guest.event(event)).toHaveCount(0);
    }
    await expect(guest.event('streamCreated')).toHaveCount(2);
  }
  await running.restarted(mediaNode, pid);
});

test('owner and media node are killed at once: the same session continues', async ({ meet, running, room }) => {
  const [ann, bob] = await meet();
  const before = await running.session(room);
  const [owner, mediaNode] = [await running.ownerOf(room), await running.mediaNodeOf(room)];
  const ownerPid = running.cluster.kill(owner);
  const mediaPid = running.cluster.kill(mediaNode);
  await expect.poll(async () => (await running.session(room))?.mediaNode).not.toBe(before?.mediaNode);
  await Promise.all([ann.sees(1), bob.sees(1)]);
  await ann.say('still in one piece');
  await bob.reads('still in one piece');
  for (const guest of [ann, bob]) {
    for (const event of ['sessionDestroyed', 'streamDestroyed']) await expect(guest.event(event)).toHaveCount(0);
  }
  await running.restarted(owner, ownerPid);
  await running.restarted(mediaNode, mediaPid);
});
