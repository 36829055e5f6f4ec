/** The folder where everything of the service lives (design §6.4): made, written to once to see that it can be, and how much room its disk has. */
import { randomBytes } from 'node:crypto';
import { chmod, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, systemCode } from '../core/errors.ts';
import { makeFolder } from '../spool/make-folder.ts';
import { type DataFolders, dataFolders, makeDataFolders } from './recordings/data-folders.ts';

/** No file system finds room for this in a corner. */
const TRIAL_BYTES = 1 << 20;

export type DataFolder = DataFolders & {
  readonly database: string;
  /** What the first start writes: `{"account_id","api_key","url"}`. */
  readonly credentials: string;
};

/** Makes what is missing and writes to it. @throws OUTPUT_UNWRITABLE naming the folder and what to do */
export const openDataFolder = async (root: string): Promise<DataFolder> => {
  const folders = dataFolders(root);
  try {
    await makeFolder(root);
    await makeDataFolders(folders);
    const { root: _, ...below } = folders;
    // The data folder itself may have been there, and is its owner's to set.
    for (const path of Object.values(below)) await chmod(path, 0o700);
    for (const path of Object.values(folders)) await tryToWrite(path);
    return { ...folders, database: join(root, 'record-call.sqlite'), credentials: join(root, 'credentials.json') };
  } catch (cause) {
    const why = systemCode(cause) ?? 'unknown';
    throw new AppError(
      'OUTPUT_UNWRITABLE',
      `can't write to the data folder ${root} (${why}); set RECORD_CALL_DATA_DIR to one that this user may write to`,
      { cause },
    );
  }
};

/** MiB that this user may still write on the folder's disk. */
export const freeMebibytes = async (path: string): Promise<number> => {
  const { bavail, bsize } = await statfs(path);
  return Math.floor((bavail * bsize) / 2 ** 20);
};

/** Writes as much as a journal may within minutes, durably, and removes it again. @throws the operating system's error: there is no room */
export const tryToFill = (folder: string): Promise<void> => tryToWrite(folder, Buffer.alloc(TRIAL_BYTES));

const tryToWrite = async (folder: string, content: string | Buffer = 'probe'): Promise<void> => {
  const path = join(folder, `.probe-${randomBytes(6).toString('hex')}`);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.datasync();
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
};
