/** The oldest Node that set-up itself, the SDKs and the server-side SDK run on. */
export const OLDEST_NODE = [20, 0];
/** The oldest Node that masters, media nodes and the balancer run on: it reads TypeScript as it is, and brings SQLite. */
export const OLDEST_SERVER_NODE = [22, 19];
/** The oldest Node that set-up takes for everything that it runs, tests and benchmarks among them. */
export const OLDEST_TOOL_NODE = [24, 0];

/**
 * @param {string} version such as `v22.19.0`
 * @param {readonly number[]} oldest major and minor
 */
export function isAtLeast(version, [major, minor]) {
  const [, ownMajor, ownMinor] = (/^v?(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
