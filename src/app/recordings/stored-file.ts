/** A recording's audio and waveform as they lie in the data folder: sealed under the recording's key where it has one, else plain. */
import type { ByteSource } from '../../core/byte-source.ts';
import { AppError } from '../../core/errors.ts';
import { plainFile } from '../../spool/plain-file.ts';
import type { SealKey } from '../../spool/seal/seal-key.ts';
import { isSealedFile, sealedFile } from '../../spool/seal/sealed-file.ts';
import type { RecordingRow } from '../../store/rows.ts';

/** What a recording's files are sealed under; undefined: nothing. @throws KEY_UNUSABLE */
export type KeyOf = (recording: Pick<RecordingRow, 'accountId' | 'id'>) => Promise<SealKey | undefined>;

export const storedFile = (path: string, key: SealKey | undefined, purpose: 'artefact' | 'peaks'): ByteSource =>
  key === undefined ? plainFile(path) : sealedFile(path, key, purpose);

/**
 * The artefact of a row that has one. Its `open` throws INPUT_MISSING, SEAL_BROKEN, KEY_UNUSABLE, and what `plain` does.
 * @param plain reads one that no key is left or was ever made for: its content proves nothing by itself
 */
export const artefactSource = (
  row: Pick<RecordingRow, 'accountId' | 'id' | 'artefactPath'>,
  keyOf: KeyOf,
  plain: (path: string) => ByteSource = plainFile,
): ByteSource => ({
  open: async () => {
    const { artefactPath: path } = row;
    if (path === null) throw new AppError('INPUT_MISSING', 'the recording has no audio');
    const key = await keyOf(row);
    if (key !== undefined) return storedFile(path, key, 'artefact').open();
    if (await isSealedFile(path)) throw new AppError('SEAL_BROKEN', `${path} is sealed, and its key is gone`);
    return plain(path).open();
  },
});
