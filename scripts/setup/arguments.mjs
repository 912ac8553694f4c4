/**
 * The arguments of each command, so that a typo is reported before set-up begins, when no parser is installed yet.
 * The programs check the values of options; test/unit/setup-arguments.test.ts keeps both lists equal.
 */

/** The parts of the test suite, in the order of their runs. */
export const SUITES = ['unit', 'package', 'integration', 'doors', 'hosts', 'e2e', 'browsers', 'chaos'];

/** Instead of a part: the unit tests that a change affects. */
export const CHANGED = '--changed';

/** The benchmarks of `npm run bench`. */
export const BENCHMARKS = ['owner-crash', 'media-crash', 'power-loss', 'bad-links', 'drain', 'storm', 'join', 'all'];

/** @type {Record<string, { options: string[], names?: string[] }>} */
export const ARGUMENTS = {
  demo: {
    options: [
      ...[
        'port',
        'host',
        'public-url',
        'lan',
        'lan-port',
        'secret',
        'masters',
        'media-nodes',
        'failover',
        'ice-servers',
        'rtc-ports',
      ],
      ...['listen-ip', 'announced-address', 'cors-origins', 'state-dir', 'log-level', 'json', 'webhook'],
      ...['webhook-header', 'webhook-events', 'webhook-secret', 'webhook-tries', 'webhook-timeout', 'webhook-deadline'],
      ...['webhook-queue', 'beat', 'verdict', 'resume-grace', 'ownerless-grace'],
    ],
  },
  chaos: { options: ['minutes', 'seed', 'rooms', 'seats', 'no-tabs', 'json'] },
  bench: { options: ['json', 'trials', 'connections', 'browser', 'link', 'write'], names: BENCHMARKS },
};

/**
 * Describes the first mistake in the arguments of a command, if there is one.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {string | undefined}
 */
export function mistakeIn(command, args) {
  if (asksForHelp(args)) return undefined;
  // The arguments after the part's name are for its runner.
  if (command === 'test')
    return args.length === 0 || args[0] === CHANGED ? undefined : nameMistake('suite', SUITES, args[0]);
  if (command === 'setup') return setupMistake(args);
  const known = ARGUMENTS[command];
  if (!known) return undefined;
  for (const arg of args) {
    if (!arg.startsWith('-') || /^-\d/.test(arg)) continue;
    const name = arg.replace(/^--/, '').split('=')[0];
    if (!arg.startsWith('--') || !known.options.includes(name)) return unknownOption(arg, known.options);
  }
  if (!known.names) return undefined;
  if (args.some((arg) => known.names.includes(arg))) return undefined;
  return nameMistake('benchmark', known.names, args.find((arg) => !arg.startsWith('-')) ?? '');
}

/** @param {string[]} args */
export function asksForHelp(args) {
  return args.includes('--help') || args.includes('-h');
}

function setupMistake(args) {
  if (args[0] === '--pin-worker') return undefined;
  const wrong = args.find((arg) => arg !== '--browser');
  return wrong === undefined ? undefined : unknownOption(wrong, ['browser', 'pin-worker']);
}

function unknownOption(arg, options) {
  return `Unknown option "${arg.split('=')[0]}". Options: ${options.map((option) => `--${option}`).join(' ')}`;
}

function nameMistake(what, names, given) {
  if (names.includes(given)) return undefined;
  const said = given === '' ? `The name of a ${what} is missing.` : `Unknown ${what} "${given}".`;
  return `${said} Names: ${names.join(' ')}`;
}
