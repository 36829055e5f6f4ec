/** The files of one recording: found, read, removed. */
import { readFile, rm, stat } from 'node:fs/promises';
import { AppError } from '../../core/errors.ts';
import type { ArtefactFile } from '../../http/service.ts';
import { isSealedFile } from '../../spool/seal/sealed-file.ts';
import type { RecordingRow } from '../../store/rows.ts';
import { aboutPath } from './journals.ts';
import { peaksPath } from './peaks.ts';
import type { ProvenFiles } from './proven-files.ts';
import { mediaTypeOf } from './recording-row.ts';
import { artefactSource, type KeyOf } from './stored-file.ts';

/** @throws NOT_FOUND when there is none */
export const artefactOf = async (row: RecordingRow, keyOf: KeyOf, proven: ProvenFiles): Promise<ArtefactFile> => {
  const { id, artefactPath: path, bytes, sha256, mediaName, format } = row;
  if (path === null || bytes === null || sha256 === null || !(await isThere(row, path, keyOf)))
    throw new AppError('NOT_FOUND', 'the recording has no audio', { details: [id] });
  const source = artefactSource(row, keyOf, (plain) => proven.source(plain, { sha256, bytes }));
  return { source, mediaType: mediaTypeOf(format), bytes, mediaName, sha256 };
};

/** One whose key was destroyed is gone, though a crash may have kept its file. */
const isThere = async (row: RecordingRow, path: string, keyOf: KeyOf): Promise<boolean> => {
  if (!(await stat(path).catch(() => undefined))?.isFile()) return false;
  return (await keyOf(row)) !== undefined || !(await isSealedFile(path));
};

/** @throws NOT_FOUND when there is none */
export const manifestOf = async ({ id, manifestPath }: RecordingRow): Promise<Readonly<Record<string, unknown>>> => {
  try {
    return JSON.parse(await readFile(manifestPath ?? '', 'utf8'));
  } catch (cause) {
    throw new AppError('NOT_FOUND', 'the recording has no manifest', { cause, details: [id] });
  }
};

/** @throws the operating system's error, but for files that are not there */
export const removeRecordingFiles = async ({
  artefactPath,
  manifestPath,
  journalPath,
}: Pick<RecordingRow, 'artefactPath' | 'manifestPath' | 'journalPath'>): Promise<void> => {
  const paths = [
    ...(artefactPath === null ? [] : [artefactPath, peaksPath(artefactPath)]),
    ...(manifestPath === null ? [] : [manifestPath]),
    ...(journalPath === null ? [] : [journalPath, aboutPath(journalPath)]),
  ];
  for (const path of paths) await rm(path, { force: true });
};
