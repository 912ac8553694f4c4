// For `node --import`: TypeDoc works on TypeScript's programming interface, which TypeScript 7 does not have. What it
// imports as `typescript` is therefore version 6, of the package that other tools of that kind look for by themselves.

import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const url = pathToFileURL(createRequire(import.meta.url).resolve('@typescript/typescript6')).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'typescript' ? { url, format: 'commonjs', shortCircuit: true } : next(specifier, context),
});
