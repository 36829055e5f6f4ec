/** What `npm ci` needs to work everywhere: exact pins, and a lockfile that names every platform's optional packages. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));

/** Every file below the folders, as one text. */
const textOf = (...folders: string[]): string =>
  folders
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(ROOT, folder, name)),
    )
    .filter((path) => /\.(ts|mjs)$/.test(path))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');

describe('the package', () => {
  test('pins every dependency to one version', () => {
    const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.overrides });
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(String(version)))).toEqual([]);
  });

  test('has a lockfile with an entry for each optional dependency of each package', () => {
    const names = new Set(
      Object.keys(lock.packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)),
    );
    const missing = Object.values(
      lock.packages as Record<string, { optionalDependencies?: Record<string, string> }>,
    ).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies).filter((name) => !names.has(name)));
    expect(missing).toEqual([]);
  });

  test('has a lockfile that names no registry', () => expect(JSON.stringify(lock)).not.toMatch(/"resolved":/));

  test('keeps lamejs at 1.2.0: 1.2.1 is broken in Node', () =>
    expect(lock.packages['node_modules/lamejs'].version).toBe('1.2.0'));

  test('lists no dependency that nothing imports', () => {
    const source = textOf('src', 'native');
    const unused = Object.keys(manifest.dependencies).filter((name) => !source.includes(`'${name}`));
    expect(unused).toEqual([]);
    const tooling = ['@biomejs/biome', '@types/node', 'tsx', 'typescript', 'vitest'];
    const tests = `${textOf('test')}${source}`;
    const idle = Object.keys(manifest.devDependencies).filter(
      (name) => !tooling.includes(name) && !tests.includes(`'${name.replace('@types/', '')}`),
    );
    expect(idle).toEqual([]);
  });

  test('has nothing at the top but what belongs there', () => {
    const belongs = [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'src',
      'native',
      'samples',
      'test',
      'README.md',
      '.gitignore',
      '.ci',
      'LICENSE',
    ];
    const made = ['node_modules', 'dist', '.git', 'data', 'recordings', 'uploads'];
    expect(readdirSync(ROOT).filter((name) => ![...belongs, ...made].includes(name))).toEqual([]);
  });
});
