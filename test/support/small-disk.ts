/** A disk of a few KiB to be filled: a tmpfs, for those who may mount one. Taken away again after the test. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const mount = (kib: number): string | undefined => {
  const folder = mkdtempSync(join(tmpdir(), 'record-call-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k,mode=0700`, 'record-call-test', folder]);
  if (status === 0) return folder;
  rmSync(folder, { recursive: true });
  return undefined;
};

const unmount = (folder: string): void => {
  spawnSync('umount', ['-l', folder]);
  rmSync(folder, { recursive: true });
};

/** Root has the right, though not in every container. */
export const canMountTmpfs = ((): boolean => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = mount(4);
  if (folder !== undefined) unmount(folder);
  return folder !== undefined;
})();

/** Call it inside a test. */
export const smallDisk = (kib: number): string => {
  const folder = mount(kib)!;
  onTestFinished(() => unmount(folder));
  return folder;
};
