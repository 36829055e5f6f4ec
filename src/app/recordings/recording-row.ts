/** A recording's row as it goes through its life: what is known when it starts, and what its finalizer has found. Pure. */
import { gregorianSeconds } from '../../core/ids.ts';
import type { Manifest } from '../../finalize/manifest.ts';
import type { OpenRecord } from '../../spool/journal-record.ts';
import type { JsonObject, RecordingPatch, RecordingRow, RecordingState } from '../../store/rows.ts';
import type { RecordingAbout } from './about.ts';

export const mediaTypeOf = (format: RecordingRow['format']): string => (format === 'mp3' ? 'audio/mpeg' : 'audio/wav');

/** A recording that begins, or whose row was lost. @param createdUs when the row is made, which is what lists are ordered by */
export const rowOf = (
  head: OpenRecord,
  about: RecordingAbout,
  journalPath: string,
  createdUs: number,
): RecordingRow => ({
  id: head.id,
  accountId: about.accountId,
  callId: head.callId,
  ownerId: about.ownerId,
  state: 'recording',
  startUs: head.startUs,
  createdGregorian: gregorianSeconds(createdUs),
  mediaName: head.mediaName,
  format: head.format,
  durationMs: 0,
  sampleRate: head.sampleRate,
  channels: head.channels === 'stereo' ? 2 : 1,
  artefactPath: null,
  manifestPath: null,
  bytes: null,
  sha256: null,
  journalPath,
  origin: head.origin,
  url: head.url === '' ? null : head.url,
  method: head.method,
  document: documentOf(head, about),
  masks: [],
  error: null,
});

/** Kazoo's public fields that never change (kazoo-contract §3.5); those that have a column are added when it is told. */
const documentOf = (head: OpenRecord, about: RecordingAbout): JsonObject => {
  const { parties } = head;
  return {
    media_source: 'recorded',
    source_type: 'record_call',
    cdr_id: `${head.id.slice(0, 6)}-${head.callId}`,
    ...(about.interactionId === undefined ? {} : { interaction_id: about.interactionId }),
    direction: about.direction,
    from: parties.from,
    to: parties.to,
    request: parties.to,
    caller_id_name: parties.callerIdName,
    caller_id_number: parties.callerIdNumber,
    callee_id_name: parties.calleeIdName,
    callee_id_number: parties.calleeIdNumber,
    custom_channel_vars: {},
    ...(head.label === '' ? {} : { label: head.label }),
  };
};

export const inState = (state: RecordingState, error: RecordingRow['error'] = null): RecordingPatch => ({
  state,
  error,
});

/** That not all of it could be written stays told, whatever else becomes of it. */
export const lastingError = ({ error }: RecordingRow): RecordingRow['error'] =>
  error?.code === 'JOURNAL_UNWRITABLE' ? error : null;

/** Where a recording ends whose artefact was kept, or taken by its target: one that is not all there has failed nevertheless. */
export const endState = <T extends RecordingState>(row: RecordingRow, state: T): T | 'failed' =>
  lastingError(row) === null ? state : 'failed';

/** The row once its artefact is there. What was lost while it was recorded stays told. */
export const storedPatch = (
  row: RecordingRow,
  found: { readonly path: string; readonly manifestPath: string; readonly manifest: Manifest },
): RecordingPatch => {
  const { artefact, recording, masks } = found.manifest;
  return {
    state: row.url === null ? endState(row, 'stored') : 'delivering',
    error: lastingError(row),
    artefactPath: found.path,
    manifestPath: found.manifestPath,
    journalPath: null,
    bytes: artefact.bytes,
    sha256: artefact.sha256,
    startUs: Date.parse(recording.started_at) * 1000,
    durationMs: artefact.duration_ms,
    sampleRate: artefact.sample_rate,
    channels: artefact.channels,
    masks: masks.map(({ start_ms, end_ms, mode }) => ({ start_ms, end_ms, mode })),
  };
};

/** The row of one that was shorter than its `record_min_sec`. */
export const discardedPatch = (durationMs: number): RecordingPatch => ({
  state: 'discarded',
  journalPath: null,
  durationMs,
});
