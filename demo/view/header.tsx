import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { RoomModel } from '../model/room-model.ts';
import { ROOM_NAME } from './focus-back.ts';
import { LogoIcon } from './icons.tsx';
import { StateBadge } from './state-badge.tsx';

export function Header({ room }: { room: RoomModel }): JSX.Element {
  const { inRoom, state, request } = room;
  const people = new Set(room.tiles.map(({ own, connectionId }) => (own ? 'own' : connectionId))).size;
  const heading = useRef<HTMLHeadingElement>(null);
  // The focused form is gone, so users of a keyboard or a screen reader continue at the room's name.
  useEffect(() => {
    if (inRoom) heading.current?.focus();
  }, [inRoom]);
  return (
    <header class="header">
      <LogoIcon />
      <span class="wordmark">
        Rejoin <span class="what">demo room</span>
      </span>
      {inRoom && request && (
        <h1 class="room-name" id={ROOM_NAME} tabIndex={-1} ref={heading}>
          <span class="visually-hidden">Room </span>
          {request.room}
          <span class="people">{people === 1 ? '1 person' : `${people} people`}</span>
        </h1>
      )}
      <span class="spacer" />
      <StateBadge state={state} />
    </header>
  );
}
