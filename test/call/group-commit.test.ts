/**
 * How often the disk is waited for (issue: 1,000 masks a second). Masks of one call share their syncs; each journal is a file and needs a sync of
 * its own, and those of many calls are asked for at once, so that the file system commits them together: never one after another.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Call } from '../../src/call/call.ts';
import { scratchDir } from '../support/scratch.ts';

const START_US = 1.7e15;
const MANY = 1000;

const callIn = (folder: string, name: string): Call => {
  let made = 0;
  return new Call({
    startUs: START_US,
    identity: {
      callId: name,
      parties: { from: '', to: '', callerIdName: '', callerIdNumber: '', calleeIdName: '', calleeIdNumber: '' },
    },
    journalPath: () => join(folder, `${name}-${made++}`),
    random: (bytes) => new Uint8Array(bytes),
  });
};

const ask = (call: Call, action: 'start' | 'mask' | 'unmask', media_name?: string) =>
  call.command({ action, fields: media_name === undefined ? {} : { media_name }, trigger: { kind: 'api' } });

const spyOnSyncs = async (folder: string) => {
  const probe = await open(join(folder, 'probe'), 'w');
  const files = Object.getPrototypeOf(probe) as { datasync(): Promise<void> };
  await probe.close();
  const syncs = vi.spyOn(files, 'datasync');
  onTestFinished(() => syncs.mockRestore());
  return syncs;
};

test(`${MANY} masks of one call at once cost one sync of each of its recordings`, async () => {
  const folder = scratchDir();
  const call = callIn(folder, 'one');
  for (const name of ['a.wav', 'b.wav', 'c.wav']) await ask(call, 'start', name);
  const syncs = await spyOnSyncs(folder);
  const results = await Promise.all(Array.from({ length: MANY }, () => ask(call, 'mask')));
  expect(results.filter(({ changed }) => changed)).toHaveLength(1);
  expect(results.every(({ masked }) => masked)).toBe(true);
  expect(syncs).toHaveBeenCalledTimes(3);
  const ended = await Promise.all(Array.from({ length: MANY }, () => ask(call, 'unmask')));
  expect(ended.filter(({ changed }) => changed)).toHaveLength(1);
  expect(syncs).toHaveBeenCalledTimes(6);
  await call.end();
});

test(`the masks of ${MANY} calls wait for the disk together: it is asked for all of them before it has answered any`, async () => {
  const folder = scratchDir();
  const calls = Array.from({ length: MANY }, (_, index) => callIn(folder, `call-${index}`));
  await Promise.all(calls.map((call) => ask(call, 'start')));
  const syncs = await spyOnSyncs(folder);
  let release = (): void => {};
  const all = new Promise<void>((resolve) => {
    release = resolve;
  });
  let asked = 0;
  syncs.mockImplementation(() => {
    if (++asked === MANY) release();
    return all;
  });
  const results = await Promise.all(calls.map((call) => ask(call, 'mask')));
  expect(results.every(({ changed, masked }) => changed && masked)).toBe(true);
  expect(asked).toBe(MANY);
  syncs.mockRestore();
  await Promise.all(calls.map((call) => call.end()));
});
