// The entry of `npm run rejoin`: one process of a cluster. It only checks whether the program can run here, because
// an older Node cannot even parse it.

import { createRequire } from 'node:module';
import process from 'node:process';
import { isAtLeast, OLDEST_SERVER_NODE } from './setup/node-version.mjs';

const problem = problemHere();
if (problem === undefined) {
  await import('../src/server/cli.ts');
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}

function problemHere() {
  if (!isAtLeast(process.version, OLDEST_SERVER_NODE)) {
    return `NodeTooOld: The servers need Node ${OLDEST_SERVER_NODE.join('.')} or newer; this is ${process.version}. "npm run setup" installs one, which "npm run rejoin" then uses.`;
  }
  try {
    createRequire(import.meta.url).resolve('commander');
    return undefined;
  } catch {
    return 'NotInstalled: The packages for the servers are not installed. Run "npm run setup" first.';
  }
}
