import type { JSX } from 'preact';
import type { RoomState } from '../model/room-model.ts';

const LABELS: Readonly<Record<RoomState, string>> = {
  idle: 'Not joined',
  joining: 'Joining…',
  joined: 'Connected',
  reconnecting: 'Reconnecting…',
  rebuilding: 'Rebuilding…',
  ended: 'Ended',
};

/** The state of the session, always visible. */
export function StateBadge({ state }: { state: RoomState }): JSX.Element {
  return (
    <span class="state-badge" data-testid="state" data-state={state}>
      <span class="dot" />
      {LABELS[state]}
    </span>
  );
}
