import type { JSX } from 'preact';
import type { ClusterModel } from '../model/cluster-model.ts';
import type { PageOptions } from '../model/page-options.ts';
import type { RoomModel } from '../model/room-model.ts';
import { Header } from './header.tsx';
import { JoinForm } from './join-form.tsx';
import { Panels } from './panels.tsx';
import { Stage } from './stage.tsx';
import { useObservable } from './use-observable.ts';
import { useShortcuts } from './use-shortcuts.ts';

export function App({
  room,
  cluster,
  options,
}: {
  room: RoomModel;
  cluster: ClusterModel;
  options: PageOptions;
}): JSX.Element {
  useObservable(room);
  useShortcuts(room.inRoom ? { m: () => void room.toggle('audio'), v: () => void room.toggle('video') } : {});
  return (
    <div class="app" data-in-room={room.inRoom}>
      <Header room={room} />
      {room.inRoom ? (
        <div class="room">
          <Stage room={room} />
          <Panels room={room} cluster={cluster} />
        </div>
      ) : (
        <JoinForm room={room} options={options} />
      )}
    </div>
  );
}
