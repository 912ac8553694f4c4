// For `node --import`: TypeDoc needs TypeScript's programming interface, which TypeScript 7 lacks. Its import of
// `typescript` therefore resolves to version 6, from the package that similar tools look for.

import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const url = pathToFileURL(createRequire(import.meta.url).resolve('@typescript/typescript6')).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'typescript' ? { url, format: 'commonjs', shortCircuit: true } : next(specifier, context),
});
