import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RoomModel } from '../model/room-model.ts';
import { type Box, fitTiles } from './grid-fit.ts';
import { Tile } from './tile.tsx';

const GAP = 12;

/** All tiles of the room, each as large as the space allows. */
export function VideoGrid({ room }: { room: RoomModel }): JSX.Element {
  const grid = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState<Box>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = grid.current;
    if (!element) return;
    const measure = (): void => setBox({ width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const { tiles, state } = room;
  const { width, height } = fitTiles(tiles.length, box, GAP);
  return (
    <div
      ref={grid}
      class="grid"
      data-state={state}
      style={{ '--tile-width': `${width}px`, '--tile-height': `${height}px`, '--tile-gap': `${GAP}px` }}
    >
      {tiles.map((tile) => (
        <Tile key={tile.key} tile={tile} gaps={room.gaps} />
      ))}
    </div>
  );
}
