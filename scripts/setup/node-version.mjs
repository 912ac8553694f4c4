/** The oldest Node for set-up itself and for the SDKs. */
export const OLDEST_NODE = [20, 0];
/** The oldest Node for masters, media nodes and the balancer: it runs TypeScript directly, and includes SQLite. */
export const OLDEST_SERVER_NODE = [22, 19];
/** The oldest Node that set-up uses for all programs, tests and benchmarks included. */
export const OLDEST_TOOL_NODE = [24, 0];

/**
 * @param {string} version such as `v22.19.0`
 * @param {readonly number[]} oldest major and minor
 */
export function isAtLeast(version, [major, minor]) {
  const [, ownMajor, ownMinor] = (/^v?(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
