const QUIET = 2_000;
const EVERY = 10_000;
const REDRAW = 100;

/**
 * @typedef {object} Step
 * @property {(detail: string) => void} at reports the progress
 * @property {(result: string) => void} done sets the text that is shown after the step
 */

/**
 * Shows the progress of a long step: on a terminal as one changing line, otherwise as a line now and then. For a
 * short step, only its result appears.
 *
 * @template T
 * @param {import('node:tty').WriteStream} log
 * @param {string} doing such as "installing dependencies"
 * @param {(step: Step) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function inStep(log, doing, work) {
  const started = performance.now();
  let detail = '';
  let result = '';

  const line = () => {
    const parts = [`setup: ${doing}`, detail, duration(performance.now() - started)];
    return parts.filter(Boolean).join('  ');
  };
  let shown;
  const redraw = () => {
    const text = line().slice(0, (log.columns || 80) - 1);
    if (text !== shown) log.write(`\r\x1b[K${text}`);
    shown = text;
  };
  const repeat = () => log.write(`${line()}\n`);

  let timer;
  if (log.isTTY) {
    redraw();
    timer = setInterval(redraw, REDRAW);
  } else {
    timer = setTimeout(() => {
      repeat();
      timer = setInterval(repeat, EVERY);
    }, QUIET);
  }

  try {
    return await work({
      at: (text) => {
        detail = text;
      },
      done: (text) => {
        result = text;
      },
    });
  } finally {
    clearInterval(timer);
    if (log.isTTY) log.write('\r\x1b[K');
    const took = performance.now() - started;
    if (result) say(log, took < QUIET ? result : `${result} (${duration(took)})`);
  }
}

/**
 * One line of output from set-up.
 *
 * @param {NodeJS.WritableStream} log
 * @param {string} text
 */
export function say(log, text) {
  log.write(`setup: ${text}\n`);
}

/** @param {number} ms */
function duration(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
