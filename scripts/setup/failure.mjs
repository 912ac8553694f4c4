/** A problem that set-up cannot solve by itself: what happened, and what to do about it. */
export class Failure extends Error {
  /**
   * @param {string} name a word to search for, such as `PackagesMissing`
   * @param {string} what what happened
   * @param {string} remedy what to do, preferably a command
   */
  constructor(name, what, remedy) {
    super(`${what.trim()}\n\nWhat to do: ${remedy}`);
    this.name = name;
  }
}
