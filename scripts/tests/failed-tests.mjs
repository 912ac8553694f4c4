/**
 * Names of the failed tests with their messages, for the end of a long run, because log viewers often cut its
 * beginning off.
 */

/** @returns {string[]} from a TAP report of Node's test runner */
export function failedInTap(report) {
  const lines = report.split('\n');
  return lines.flatMap((line, at) => {
    const name = /^ *not ok \d+ - (.*)$/.exec(line)?.[1];
    if (name === undefined) return [];
    const end = lines.findIndex((other, later) => later > at && other.trim() === '...');
    const detail = lines.slice(at + 1, end === -1 ? at + 1 : end);
    const type = value(detail, 'failureType');
    // The nested tests are listed themselves.
    if (type === 'subtestsFailed') return [];
    const place = value(detail, 'location')?.replace(/^.*\/(test\/)/, '$1');
    return [[name, place, message(detail)].filter(Boolean).join('\n    ')];
  });
}

/** @returns {string[]} from a JSON report of Playwright */
export function failedInPlaywright({ suites = [] }) {
  const failed = (suite) => [
    ...(suite.suites ?? []).flatMap(failed),
    ...(suite.specs ?? [])
      .filter(({ ok }) => !ok)
      .map((spec) => {
        const errors = spec.tests.flatMap(({ results }) => results).flatMap(({ error }) => error?.message ?? []);
        return [spec.title, `${spec.file}:${spec.line}`, errors[0]?.split('\n')[0]].filter(Boolean).join('\n    ');
      }),
  ];
  return suites.flatMap(failed);
}

function value(detail, key) {
  const line = detail.find((one) => one.trim().startsWith(`${key}: `));
  return line?.slice(line.indexOf(': ') + 2).replace(/^'(.*)'$/, '$1');
}

/** The message on one line, or the first line of a block. */
function message(detail) {
  const text = value(detail, 'error');
  if (text === undefined || !text.startsWith('|')) return text;
  const at = detail.findIndex((one) => one.trim().startsWith('error: '));
  return detail
    .slice(at + 1)
    .find((one) => one.trim() !== '')
    ?.trim();
}
