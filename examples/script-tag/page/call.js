/** @import { Publisher, Session, StreamManager } from 'rejoin' */

const BANNERS = {
  idle: '',
  joining: 'Joining…',
  joined: '',
  reconnecting: 'The connection is lost. Reconnecting…',
  rebuilding: 'A server has crashed. Rebuilding the call…',
  ended: 'The call has ended.',
};

const rejoin = new Rejoin.Rejoin();
const [form] = document.forms;

form?.addEventListener('submit', (event) => {
  event.preventDefault();
  const { room, name } = Object.fromEntries(new FormData(form));
  void join(String(room), String(name));
});

/**
 * Joins, and shows the call until the user leaves.
 * @param {string} room
 * @param {string} name
 */
async function join(room, name) {
  const session = rejoin.initSession();
  const publisher = rejoin.initPublisher();
  find('tiles').replaceChildren();
  addTile(publisher, name);
  followSession(session);
  show('problem', '');
  showCall(true);
  let isLeft = false;
  find('leave').onclick = () => {
    isLeft = true;
    session.disconnect();
    publisher.dispose();
    showCall(false);
  };
  try {
    await session.connect(() => fetchToken(room, name));
    await session.publish(publisher);
    addButtons(publisher);
  } catch (error) {
    if (!isLeft) showProblem(error);
  }
}

/**
 * Shows what happens to the session. A crash needs no more than a banner: the same streams and videos go on after it.
 * @param {Session} session
 */
function followSession(session) {
  session.on('state', ({ state }) => show('banner', BANNERS[state]));
  // The media may move to another node while the session stays joined.
  session.on('reconnecting', () => show('banner', BANNERS.reconnecting));
  session.on('reconnected', () => show('banner', BANNERS.joined));
  /** @type {Map<object, HTMLElement>} */
  const tiles = new Map();
  session.on('streamCreated', ({ stream }) => {
    tiles.set(stream, addTile(session.subscribe(stream), stream.connection.data));
  });
  session.on('streamDestroyed', ({ stream }) => {
    tiles.get(stream)?.remove();
    tiles.delete(stream);
  });
  session.on('sessionDisconnected', () => {
    find('tiles').replaceChildren();
    for (const id of ['audio', 'video']) show(id, '');
  });
}

/**
 * @param {StreamManager} manager
 * @param {string} name
 */
function addTile(manager, name) {
  const tile = document.createElement('figure');
  const caption = document.createElement('figcaption');
  const describe = () => {
    const { audioActive, videoActive } = manager.stream;
    caption.textContent = `${name} ${audioActive ? '' : '(muted)'} ${videoActive ? '' : '(camera off)'}`;
  };
  manager.on('streamPropertyChanged', describe);
  describe();
  // The SDK keeps the element playing across crashes, and mutes the user's own voice in it.
  manager.createVideoElement(tile);
  tile.append(caption);
  find('tiles').append(tile);
  return tile;
}

/**
 * Shows the buttons to mute and unmute, which need a publisher that is published.
 * @param {Publisher} publisher
 */
function addButtons(publisher) {
  const describe = () => {
    show('audio', publisher.stream.audioActive ? 'Mute' : 'Unmute');
    show('video', publisher.stream.videoActive ? 'Camera off' : 'Camera on');
  };
  publisher.on('streamPropertyChanged', describe);
  describe();
  // A camera that is gone may not open again.
  find('audio').onclick = () => publisher.publishAudio(!publisher.stream.audioActive).catch(showProblem);
  find('video').onclick = () => publisher.publishVideo(!publisher.stream.videoActive).catch(showProblem);
}

/**
 * A new token from the application's server. The SDK calls it to join, and again after a crash of the session's owner.
 * @param {string} room
 * @param {string} name
 * @returns {Promise<string>}
 */
async function fetchToken(room, name) {
  const answer = await fetch('/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room, name }),
  });
  // By the status, the SDK tells "try again" (503) from "give up" (400, 401, 403).
  if (!answer.ok) throw Object.assign(new Error(`The server answered ${answer.status}.`), { status: answer.status });
  const { token } = await answer.json();
  return token;
}

/** @param {unknown} error */
function showProblem(error) {
  if (!(error instanceof Rejoin.RejoinError)) throw error;
  show('problem', `${error.name}: ${error.message} ${error.action}`);
}

/** @param {boolean} isInCall */
function showCall(isInCall) {
  if (form) form.hidden = isInCall;
  find('call').hidden = !isInCall;
  for (const id of ['audio', 'video']) show(id, '');
}

/**
 * Writes a text, or hides the element where there is none.
 * @param {string} id
 * @param {string} text
 */
function show(id, text) {
  const element = find(id);
  element.textContent = text;
  element.hidden = text === '';
}

/** @param {string} id */
function find(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element "${id}".`);
  return element;
}
