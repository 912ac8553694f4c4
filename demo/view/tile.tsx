import type { JSX } from 'preact';
import type { FrameGaps } from '../model/frame-gaps.ts';
import { keyOf, type TileModel } from '../model/tile.ts';
import { MicOffIcon } from './icons.tsx';
import { LiveVideo } from './live-video.tsx';

/** One participant: the picture, or the initials while there is none. */
export function Tile({ tile, gaps }: { tile: TileModel; gaps: FrameGaps }): JSX.Element {
  const { own, name, manager, videoOn, audioOn, away } = tile;
  return (
    <article
      class="tile"
      data-testid={own ? 'own-tile' : 'tile'}
      data-connection-id={tile.connectionId}
      data-stream-id={tile.streamId}
      data-away={away}
      aria-label={own ? `${name}, you` : name}
    >
      {manager && <LiveVideo key={keyOf(manager)} manager={manager} tile={tile} gaps={gaps} />}
      {!videoOn && (
        <div class="no-video">
          <span class="initials" style={{ '--hue': String(hueOf(name)) }}>
            {initialsOf(name)}
          </span>
        </div>
      )}
      {away && (
        <span class="chip warn away" role="status">
          <span class="spinner" />
          reconnecting…
        </span>
      )}
      <span class="name-tag">
        {!audioOn && (
          <span class="muted" title={manager ? 'Microphone off' : 'Watching only'}>
            <MicOffIcon />
            <span class="visually-hidden">microphone off</span>
          </span>
        )}
        <span class="name">{name}</span>
        {own && <span class="you">you</span>}
      </span>
    </article>
  );
}

function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return words
    .slice(0, 2)
    .map((word) => [...word][0]?.toUpperCase() ?? '')
    .join('');
}

/** The same name has the same colour everywhere. */
function hueOf(name: string): number {
  let hash = 7;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return hash;
}
