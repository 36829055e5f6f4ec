/** The first records of a journal, for whoever wants one that says nothing in particular. */
import type { OpenRecord, TrackRecord } from '../../src/spool/journal-record.ts';

export const SAMPLE_HEAD: OpenRecord = {
  version: 1,
  id: `202601-${'0'.repeat(32)}`,
  callId: 'call-1',
  mediaName: 'x.wav',
  format: 'wav',
  sampleRate: null,
  channels: 'stereo',
  maskMode: 'silence',
  minSeconds: 0,
  startUs: 1.7e15,
  startsWith: 'command',
  origin: '',
  label: '',
  url: '',
  method: 'put',
  parties: { from: '', to: '', callerIdName: '', callerIdNumber: '', calleeIdName: '', calleeIdNumber: '' },
};

export const SAMPLE_TRACK: TrackRecord = {
  track: 0,
  line: 0,
  trusted: true,
  leg: 'a',
  ssrc: 1,
  codec: { name: 'PCMU', clockRate: 8000, channels: 1 },
};
