/** The floors of design §3: a folder of `src/` imports itself and lower floors only; folders on one floor are strangers. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const SRC = resolve(import.meta.dirname, '../../src');

const FLOORS: Readonly<Record<string, number>> = {
  'cli.ts': 9,
  cli: 9,
  app: 8,
  http: 7,
  ingest: 6,
  control: 6,
  call: 5,
  record: 4,
  finalize: 4,
  deliver: 4,
  directory: 4,
  spool: 3,
  store: 3,
  media: 2,
  kernel: 1,
  core: 0,
};

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const folderOf = (path: string): string => relative(SRC, path).split(sep)[0]!;

/** `from './x.ts'`, `import('./x.ts')`, `new URL('./x.js', …)`: whatever names another file of ours. */
const importsOf = (file: string): string[] =>
  [...readFileSync(join(SRC, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map(
    (match) => match[1]!,
  );

/** What is wrong with one import; undefined when nothing is. */
const fault = (from: string, to: string): string | undefined => {
  const [above, below] = [FLOORS[from], FLOORS[to]];
  if (above === undefined || below === undefined) return `${above === undefined ? from : to} is on no floor`;
  // `cli.ts` is the door of `cli/`.
  if (from === to || (from === 'cli.ts' && to === 'cli')) return undefined;
  if (below > above) return `${from} (${above}) imports upward, from ${to} (${below})`;
  return below === above ? `${from} and ${to} are strangers on floor ${above}` : undefined;
};

describe('the floors', () => {
  test('every source file imports itself and lower floors only', () => {
    const faults = sources.flatMap((file) =>
      importsOf(file).flatMap((target) => {
        const why = fault(folderOf(join(SRC, file)), folderOf(resolve(SRC, dirname(file), target)));
        return why === undefined ? [] : [`${file}: ${why}`];
      }),
    );
    expect(faults).toEqual([]);
    expect(sources.length).toBeGreaterThan(100);
  });

  for (const [from, to, wrong] of [
    ['core', 'media', true],
    ['ingest', 'control', true],
    ['finalize', 'deliver', true],
    ['call', 'record', false],
    ['app', 'http', false],
    ['cli.ts', 'cli', false],
    ['utils', 'core', true],
  ] as const) {
    test(`${from} importing ${to} is ${wrong ? 'refused' : 'fine'}`, () =>
      expect(fault(from, to) !== undefined).toBe(wrong));
  }

  test('nothing below the kernel or in it knows Node, and media does no I/O', () => {
    const io = /from 'node:(fs|net|dgram|http|child_process|worker_threads)/;
    const found = sources.filter(
      (file) => /^(core|kernel|media)\//.test(file) && io.test(readFileSync(join(SRC, file), 'utf8')),
    );
    expect(found).toEqual([]);
  });

  test('no file is a drawer for anything', () => {
    expect(sources.filter((file) => /(^|\/)(utils?|helpers?|manager|common|misc)\b/.test(file))).toEqual([]);
  });
});
