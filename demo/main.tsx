import { render } from 'preact';
import type { Session } from '../src/client/index.ts';
import { ClusterModel } from './model/cluster-model.ts';
import { EventLog, type PlainEvent } from './model/event-log.ts';
import { addressOf, readPageOptions } from './model/page-options.ts';
import { RoomModel } from './model/room-model.ts';
import { App } from './view/app.tsx';

declare global {
  interface Window {
    /** For tests and the console. */
    demo: { readonly session: Session | undefined; readonly events: readonly PlainEvent[] };
  }
}

const options = readPageOptions(location);
const log = new EventLog();
const room = new RoomModel(log);
const cluster = new ClusterModel(log, () => room.nodeLost());

let inRoom = false;
room.subscribe(() => {
  if (room.inRoom === inRoom) return;
  inRoom = room.inRoom;
  document.title = inRoom && room.request ? `${room.request.room} · Rejoin` : 'Rejoin demo room';
  if (!inRoom || !room.request) return cluster.stop();
  cluster.watch(room.request.room);
  // Keep an address with `join`: reloading such a page must join again.
  if (!options.join) history.replaceState(null, '', addressOf(room.request.room, room.request.automatic));
});

window.demo = {
  get session() {
    return room.session;
  },
  events: log.events,
};

const place = document.getElementById('app');
if (place) render(<App room={room} cluster={cluster} options={options} />, place);

if (options.join) {
  const { name, automatic } = options;
  void room.join({ room: options.room, name, audio: true, video: true, automatic });
}
