export interface Box {
  readonly width: number;
  readonly height: number;
}

/** Aspect ratios: nearly square, and the widest of usual cameras. */
const NARROWEST = 1.2;
const WIDEST = 16 / 9;

/** The largest size, px, at which `count` tiles fit into a box in rows and columns. */
export function fitTiles(count: number, box: Box, gap: number): Box {
  let best: Box = { width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const width = (box.width - gap * (columns - 1)) / columns;
    const height = (box.height - gap * (rows - 1)) / rows;
    if (width <= 0 || height <= 0) continue;
    const tile = { width: Math.min(width, height * WIDEST), height: Math.min(height, width / NARROWEST) };
    if (tile.width * tile.height > best.width * best.height) best = tile;
  }
  return { width: Math.floor(best.width), height: Math.floor(best.height) };
}
