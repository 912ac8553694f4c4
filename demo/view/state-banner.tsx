import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { RoomModel } from '../model/room-model.ts';
import { causeOf } from '../model/session-log.ts';
import { durationText } from './clock-time.ts';
import { CheckIcon } from './icons.tsx';

/** How long a success message stays, ms. */
const GOOD_NEWS_MS = 4_000;

/** Announces changes of the session visibly and to screen readers, above the pictures without covering them. */
export function StateBanner({ room }: { room: RoomModel }): JSX.Element {
  return (
    <div class="banner-place" role="status" aria-live="polite">
      <Banner room={room} />
    </div>
  );
}

function Banner({ room }: { room: RoomModel }): JSX.Element | null {
  const { state, trouble, recoveredMs } = room;
  const [fresh, setFresh] = useState(false);
  useEffect(() => {
    setFresh(recoveredMs !== undefined);
    if (recoveredMs === undefined) return;
    const timer = setTimeout(() => setFresh(false), GOOD_NEWS_MS);
    return () => clearTimeout(timer);
  }, [recoveredMs]);

  if (trouble && (state === 'reconnecting' || state === 'rebuilding')) {
    const what = state === 'rebuilding' ? 'Rebuilding the session…' : 'Reconnecting…';
    return (
      <div class="banner warn">
        <span class="spinner" />
        <b>{what}</b>
        <span class="more">
          {causeOf(trouble.cause)}
          {trouble.attempt > 1 && `, attempt ${trouble.attempt}`}
        </span>
        {trouble.attempt > 1 && (
          <button class="button small" type="button" onClick={() => room.session?.reconnectNow()}>
            Try now
          </button>
        )}
      </div>
    );
  }
  if (state === 'joining') {
    return (
      <div class="banner info">
        <span class="spinner" />
        <b>Joining again…</b>
      </div>
    );
  }
  if (state === 'joined' && fresh && recoveredMs !== undefined) {
    return (
      <div class="banner good">
        <CheckIcon />
        <b>Back after {durationText(recoveredMs)}</b>
      </div>
    );
  }
  return null;
}
