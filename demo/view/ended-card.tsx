import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { RoomModel } from '../model/room-model.ts';
import { useFocusBack } from './focus-back.ts';

const TITLES: Readonly<Record<string, string>> = {
  nodeCrashed: "The session's node crashed",
  networkDisconnect: 'The connection was lost for too long',
  forceDisconnectByUser: 'A moderator removed you from the room',
  forceDisconnectByServer: 'The server removed you from the room',
  sessionClosedByServer: 'The room was closed',
};

/** The session has ended and does not recover by itself. */
export function EndedCard({ room }: { room: RoomModel }): JSX.Element {
  const { endReason = '', request, problem } = room;
  const button = useRef<HTMLButtonElement>(null);
  const card = useRef<HTMLDivElement>(null);
  useFocusBack(card);
  useEffect(() => button.current?.focus(), []);
  return (
    <div ref={card} class="ended" role="alert">
      <h2>{TITLES[endReason] ?? 'The session has ended'}</h2>
      {endReason === 'nodeCrashed' && !request?.automatic && (
        <p>This page had one token, which is no longer valid. You can join the same room again with a new one.</p>
      )}
      {problem && (
        <p class="failure">
          <code>{problem.name}</code> {problem.message} {problem.action}
        </p>
      )}
      <div class="buttons">
        <button
          ref={button}
          class="button primary"
          type="button"
          data-testid="rejoin-button"
          onClick={() => void room.joinAgain()}
        >
          Join again
        </button>
        <button class="button" type="button" onClick={() => room.leave()}>
          Leave
        </button>
      </div>
    </div>
  );
}
