/** What is swept from an output folder, and what is not, whoever else works in it. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ownMark } from '../../src/app/process-mark.ts';
import { makeRunFolder, sweepRunFolders } from '../../src/app/run-folder.ts';
import { filesIn, modeOf } from '../support/command.ts';
import { scratchDir } from '../support/scratch.ts';

const ID = `202601-${'a'.repeat(32)}`;
const OTHER_ID = `202601-${'b'.repeat(32)}`;
/** Of a process that the tests below take for gone. */
const DEAD = 'dead-0-0-1-1';
const isLeft = (mark: string): boolean => mark === DEAD;

const folderOf = (directory: string, mark: string, ids: readonly string[]): string => {
  const folder = join(directory, `.journals-${mark}-x9Y8z7`);
  mkdirSync(folder);
  for (const id of ids) writeFileSync(join(folder, `${id}.journal`), 'x');
  return folder;
};
const partsOf = (directory: string, id: string): void => {
  for (const rest of ['part', '0.pcm']) writeFileSync(join(directory, `.${id}.${rest}`), 'x');
};

test('the folder is private, below the output folder, which is made, and has the mark of this process in its name', async () => {
  const directory = join(scratchDir(), 'new/out');
  const folder = await makeRunFolder(directory);
  expect([directory, folder].map(modeOf)).toEqual(['700', '700']);
  expect(basename(folder)).toMatch(new RegExp(`^\\.journals-${ownMark()}-[A-Za-z0-9]{6}$`));
  await expect(makeRunFolder('/proc/none')).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
});

describe('a sweep', () => {
  test('removes a gone process’s journals and the parts of its recordings, and says so', async () => {
    const directory = scratchDir();
    folderOf(directory, DEAD, [ID, OTHER_ID]);
    partsOf(directory, ID);
    writeFileSync(join(directory, 'call.mp3'), 'x');
    expect(await sweepRunFolders(directory, isLeft)).toBe(
      `removed what a killed replay had left in ${directory}: 2 journals of recordings, 2 parts of recordings`,
    );
    expect(filesIn(directory)).toEqual(['call.mp3']);
  });

  test('leaves those of a process that is not gone, and parts that nobody’s journals name', async () => {
    const directory = scratchDir();
    folderOf(directory, 'a11e-0-0-2-2', [ID]);
    partsOf(directory, ID);
    partsOf(directory, OTHER_ID);
    const before = filesIn(directory);
    expect(await sweepRunFolders(directory, isLeft)).toBeUndefined();
    expect(filesIn(directory)).toEqual(before);
  });

  test('leaves this process’s own', async () => {
    const directory = scratchDir();
    const folder = await makeRunFolder(directory);
    writeFileSync(join(folder, `${ID}.journal`), 'x');
    expect(await sweepRunFolders(directory)).toBeUndefined();
    expect(filesIn(folder)).toEqual([`${ID}.journal`]);
  });

  test('says nothing of an empty folder, which it removes', async () => {
    const directory = scratchDir();
    folderOf(directory, DEAD, []);
    expect(await sweepRunFolders(directory, isLeft)).toBeUndefined();
    expect(filesIn(directory)).toEqual([]);
  });

  test('follows no link, and takes no other name for one of a recording', async () => {
    const directory = scratchDir();
    const elsewhere = scratchDir();
    writeFileSync(join(elsewhere, `${ID}.journal`), 'x');
    symlinkSync(elsewhere, join(directory, `.journals-${DEAD}-linked`));
    const folder = folderOf(directory, DEAD, []);
    for (const name of ['.journal', '*.journal', `${ID}.journal.txt`]) writeFileSync(join(folder, name), 'x');
    partsOf(directory, ID);
    writeFileSync(join(directory, '..part'), 'x');
    await sweepRunFolders(directory, isLeft);
    expect(existsSync(join(elsewhere, `${ID}.journal`))).toBe(true);
    expect(existsSync(folder)).toBe(false);
    expect(filesIn(directory)).toEqual(expect.arrayContaining(['..part', `.${ID}.part`, `.${ID}.0.pcm`]));
  });

  test('where there is no folder, or none that may be read, is no failure', async () => {
    expect(await sweepRunFolders(join(scratchDir(), 'none'), isLeft)).toBeUndefined();
    expect(await sweepRunFolders('/dev/null', isLeft)).toBeUndefined();
  });

  test('by several at once removes everything once', async () => {
    const directory = scratchDir();
    folderOf(directory, DEAD, [ID]);
    partsOf(directory, ID);
    await Promise.all(Array.from({ length: 5 }, () => sweepRunFolders(directory, isLeft)));
    expect(filesIn(directory)).toEqual([]);
  });
});
