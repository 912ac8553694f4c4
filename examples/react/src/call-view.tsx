import { Controls } from './controls.tsx';
import { ProblemNote } from './problem-note.tsx';
import { useCall } from './use-call.ts';
import { VideoTile } from './video-tile.tsx';

const BANNERS = {
  joining: 'Joining…',
  joined: undefined,
  reconnecting: 'The connection is lost. Reconnecting…',
  rebuilding: 'A server has crashed. Rebuilding the call…',
  ended: 'The call has ended.',
};

export function CallView({ room, name, onLeave }: { room: string; name: string; onLeave: () => void }) {
  const { state, publisher, isPublished, subscribers, problem } = useCall(room, name);
  const banner = BANNERS[state];
  return (
    <>
      <h1>{room}</h1>
      {banner && <p role="status">{banner}</p>}
      {problem && <ProblemNote problem={problem} />}
      <div className="controls">
        {publisher && isPublished && <Controls publisher={publisher} />}
        <button type="button" onClick={onLeave}>
          Leave
        </button>
      </div>
      <div className="tiles">
        {publisher && <VideoTile manager={publisher} name={name} />}
        {subscribers.map((subscriber) => (
          <VideoTile key={subscriber.id} manager={subscriber} name={subscriber.stream.connection.data} />
        ))}
      </div>
    </>
  );
}
