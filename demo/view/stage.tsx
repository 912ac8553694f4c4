import type { JSX } from 'preact';
import { guestLink } from '../model/page-options.ts';
import type { RoomModel } from '../model/room-model.ts';
import { Controls } from './controls.tsx';
import { EndedCard } from './ended-card.tsx';
import { CloseIcon, NewTabIcon } from './icons.tsx';
import { ProblemCard } from './problem-card.tsx';
import { StateBanner } from './state-banner.tsx';
import { VideoGrid } from './video-grid.tsx';

/** The pictures, the banner, and the buttons of the call. */
export function Stage({ room }: { room: RoomModel }): JSX.Element {
  const { state, media, request } = room;
  const alone = state === 'joined' && room.tiles.length === 1;
  return (
    <main class="stage" aria-label="Video">
      <div class="pictures">
        <VideoGrid room={room} />
        <StateBanner room={room} />
        {state === 'ended' && <EndedCard room={room} />}
        {media.problem && (
          <div class="floating">
            <ProblemCard title="Camera or microphone cannot be used" problem={media.problem}>
              <button class="button" type="button" onClick={() => media.dismissProblem()}>
                <CloseIcon />
                Continue without
              </button>
            </ProblemCard>
          </div>
        )}
        {alone && request && (
          <p class="alone">
            Nobody else is here.
            <a class="button small" href={guestLink(request.room)} target="_blank" rel="noreferrer">
              <NewTabIcon />
              Join as a guest in a new tab
            </a>
          </p>
        )}
      </div>
      <Controls room={room} />
    </main>
  );
}
