/** A finished recording as it is delivered: the facts of its call that Kazoo's URL carries (kazoo-contract §3.3), from its row. */
import { AppError } from '../../core/errors.ts';
import type { Parcel } from '../../deliver/parcel.ts';
import type { RecordingRow } from '../../store/rows.ts';
import { mediaTypeOf } from './recording-row.ts';
import { artefactSource, type KeyOf } from './stored-file.ts';

/** @throws INPUT_MISSING when there is no artefact */
export const parcelOf = (row: RecordingRow, keyOf: KeyOf): Parcel => {
  const { sha256, bytes } = row;
  if (row.artefactPath === null || sha256 === null || bytes === null)
    throw new AppError('INPUT_MISSING', 'there is no artefact to deliver');
  const text = (key: string): string | undefined => {
    const value = row.document[key];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    source: artefactSource(row, keyOf),
    expected: { sha256, bytes },
    contentType: mediaTypeOf(row.format),
    format: row.format,
    recordingId: row.id,
    callId: row.callId,
    from: text('from'),
    to: text('to'),
    callerIdName: text('caller_id_name'),
    callerIdNumber: text('caller_id_number'),
    cdrId: text('cdr_id'),
    interactionId: text('interaction_id'),
    ownerId: row.ownerId ?? undefined,
    accountId: row.accountId,
    startMs: row.startUs / 1000,
    durationMs: row.durationMs,
  };
};
