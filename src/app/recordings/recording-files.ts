/** All files of one recording, gone. */
import { rm } from 'node:fs/promises';
import type { RecordingRow } from '../../store/rows.ts';
import { aboutPath } from './journals.ts';
import { peaksPath } from './peaks.ts';

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
