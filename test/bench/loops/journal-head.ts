/** The first record of a journal that holds nothing worth keeping. */
import type { OpenRecord } from '../../../src/spool/journal-record.ts';

export const JOURNAL_HEAD: OpenRecord = {
  version: 1,
  id: 'bench',
  callId: 'bench',
  mediaName: 'bench.wav',
  format: 'wav',
  sampleRate: null,
  channels: 'stereo',
  maskMode: 'silence',
  minSeconds: 0,
  startUs: 0,
  startsWith: 'command',
  origin: '',
  label: '',
  url: '',
  method: 'put',
  parties: { from: '', to: '', callerIdName: '', callerIdNumber: '', calleeIdName: '', calleeIdNumber: '' },
};
