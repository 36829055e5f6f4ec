import { expect, test } from 'vitest';
import type { RecordingDocument } from '../../src/app/recording-document.ts';
import { summarizeFailures } from '../../src/cli/summary.ts';

const stored = (path: string): RecordingDocument => ({ state: 'stored', path, error: null }) as RecordingDocument;
const undelivered = (path: string, message = 'busy'): RecordingDocument =>
  ({ state: 'failed', path, error: { code: 'TARGET_BUSY', message } }) as RecordingDocument;
const lost = (message: string): RecordingDocument =>
  ({ state: 'failed', path: null, error: { code: 'ENCODE_FAILED', message } }) as RecordingDocument;
const discarded = { state: 'discarded', path: null, error: null } as RecordingDocument;

for (const { name, recordings, expected } of [
  { name: 'nothing failed', recordings: [stored('a'), discarded], expected: undefined },
  { name: 'nothing was recorded', recordings: [], expected: undefined },
  {
    name: 'one is lost',
    recordings: [lost('broken')],
    expected: '1 of 1 recordings failed: broken',
  },
  {
    name: 'several are lost, for two reasons',
    recordings: [lost('broken'), stored('a'), lost('torn'), lost('broken')],
    expected: '3 of 4 recordings failed: broken; torn',
  },
  {
    name: 'one is there, undelivered',
    recordings: [undelivered('out/a.mp3')],
    expected: '1 recorded, its delivery failed: kept at out/a.mp3 (busy)',
  },
  {
    name: 'one of several is undelivered',
    recordings: [undelivered('a'), stored('b'), discarded],
    expected: '2 recorded, 1 delivery failed: kept at a (busy)',
  },
  {
    name: 'many are undelivered: three are named',
    recordings: ['a', 'b', 'c', 'd', 'e'].map((path) => undelivered(path)),
    expected: '5 recorded, 5 deliveries failed: kept at a, b, c and 2 more (busy)',
  },
  {
    name: 'both',
    recordings: [lost('broken'), undelivered('a', 'rejected')],
    expected: '1 of 2 recordings failed: broken; 1 recorded, its delivery failed: kept at a (rejected)',
  },
]) {
  test(`${name}: ${expected ?? 'nothing to say'}`, () => expect(summarizeFailures(recordings)?.message).toBe(expected));
}

test('a lost recording counts for more than one that was not delivered', () => {
  expect(summarizeFailures([undelivered('a')])?.code).toBe('TARGET_BUSY');
  expect(summarizeFailures([undelivered('a'), lost('broken')])?.code).toBe('ENCODE_FAILED');
});
