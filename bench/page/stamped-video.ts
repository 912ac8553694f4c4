/**
 * Bits of a frame's number, one column each. The lower half is the inverse of the upper one, so that a blurred frame
 * is detected.
 */
const BITS = 16;

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Frames per second. */
  readonly frameRate: number;
}

/** Runs in the page. A picture with a number drawn into each frame. It ends with its track. */
export function stampedTrack({ width, height, frameRate }: Picture): MediaStreamTrack {
  const { canvas, context } = canvasOf(width, height);
  let number = 0;
  draw(context, number);
  const stream = canvas.captureStream(0);
  const [track] = stream.getVideoTracks();
  if (!track) throw new Error('The canvas has no track.');
  // Firefox still has this method on the stream, as an early draft specified.
  const capture = ('requestFrame' in track ? track : stream) as CanvasCaptureMediaStreamTrack;
  const frameMs = 1_000 / frameRate;
  let due = performance.now();
  // Not an interval: after a late call, an interval fires again too soon, and browsers drop frames at such short
  // distances.
  const next = (): void => {
    if (track.readyState === 'ended') return;
    number = (number + 1) % 2 ** BITS;
    draw(context, number);
    capture.requestFrame();
    const now = performance.now();
    due = Math.max(due + frameMs, now + frameMs / 2);
    setTimeout(next, due - now);
  };
  next();
  return track;
}

/** The number in the shown frame; `undefined` if it cannot be read. */
export function readStamp(video: HTMLVideoElement): number | undefined {
  reader ??= canvasOf(BITS, 2).context;
  // Without smoothing, each pixel of the small picture comes from the middle of a block of the large one.
  reader.imageSmoothingEnabled = false;
  reader.drawImage(video, 0, 0, BITS, 2);
  const { data } = reader.getImageData(0, 0, BITS, 2);
  const isWhite = (column: number, row: number): boolean => (data[(row * BITS + column) * 4] ?? 0) > 127;
  let number = 0;
  for (let column = 0; column < BITS; column += 1) {
    if (isWhite(column, 0) === isWhite(column, 1)) return undefined;
    if (isWhite(column, 0)) number += 2 ** column;
  }
  return number;
}

let reader: CanvasRenderingContext2D | undefined;

function canvasOf(width: number, height: number): { canvas: HTMLCanvasElement; context: CanvasRenderingContext2D } {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('The canvas has no 2D context.');
  return { canvas, context };
}

function draw(context: CanvasRenderingContext2D, number: number): void {
  const width = context.canvas.width / BITS;
  const height = context.canvas.height / 2;
  for (let column = 0; column < BITS; column += 1) {
    const isSet = Math.floor(number / 2 ** column) % 2 === 1;
    context.fillStyle = isSet ? 'white' : 'black';
    context.fillRect(column * width, 0, width, height);
    context.fillStyle = isSet ? 'black' : 'white';
    context.fillRect(column * width, height, width, height);
  }
}
