/** How a recording's row is stored. */
import { RowCodec } from './row-codec.ts';
import type { RecordingRow } from './rows.ts';

export const RECORDING_COLUMNS = new RowCodec<RecordingRow>({
  id: 'plain',
  accountId: 'plain',
  callId: 'plain',
  ownerId: 'plain',
  state: 'plain',
  startUs: 'whole',
  createdGregorian: 'whole',
  mediaName: 'plain',
  format: 'plain',
  durationMs: 'whole',
  sampleRate: 'whole',
  channels: 'plain',
  artefactPath: 'plain',
  manifestPath: 'plain',
  bytes: 'whole',
  sha256: 'plain',
  journalPath: 'plain',
  origin: 'plain',
  url: 'plain',
  method: 'plain',
  document: 'json',
  masks: 'json',
  error: 'json',
});
