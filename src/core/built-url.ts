/**
 * Where the built form of one of our own files lies. Threads run what is built: a program that runs from its source finds it in the
 * build folder beside that, a built one beside itself.
 */

/** @param path of the built file from the root of the tree, such as `finalize/worker.js`. */
export const builtUrl = (path: string): URL =>
  new URL(`${import.meta.url.endsWith('.ts') ? '../../dist/' : '../'}${path}`, import.meta.url);
