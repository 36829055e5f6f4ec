/** Live recordings under keys of a vault: what lies on disk while they run, masks that are durable there, keys that can't be kept. */
import { createSecretKey } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { journalsOf } from '../../../src/app/sealed-journals.ts';
import { surveyJournal } from '../../../src/finalize/survey.ts';
import { MasterKeys } from '../../../src/spool/seal/master-keys.ts';
import { Vault } from '../../../src/spool/seal/vault.ts';
import { findInFiles, scratchDir } from '../../support/scratch.ts';
import { ACCOUNT, codeOf, LiveScene, SECRET } from './live-scene.ts';

const WAV = { format: 'wav' } as const;

const sealedScene = async () => {
  const keys = join(scratchDir(), 'keys');
  const master = new MasterKeys([createSecretKey(Buffer.alloc(32, 1))]);
  const vault = await Vault.open({ keys, master });
  const scene = new LiveScene({ openJournal: (accountId) => journalsOf(vault, accountId) });
  return { scene, vault, keys };
};

describe('a live recording', () => {
  test('without keys holds what is said, or the search would find nothing anywhere', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: WAV });
    scene.speak(200, { secret: true });
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(findInFiles(scene.folder, SECRET)).toHaveLength(1);
  });

  test('shows nothing of what is said or who says it, as it runs and when it has ended, and reads whole with its key', async () => {
    const { scene, vault } = await sealedScene();
    await scene.announce({ record_call: WAV });
    // What only a mask would keep out of a plain journal.
    scene.speak(2000, { secret: true });
    const { recorder } = scene.started[0]!;
    await recorder.sync();
    const running = surveyJournal({ path: recorder.path, key: await vault.keyOf(ACCOUNT, recorder.head.id) });
    expect(running).toMatchObject({ frames: 200, close: undefined, torn: false });
    for (const shown of ['RCJOURN1', 'PCMU', recorder.head.callId, 'alice'])
      expect(findInFiles(scene.folder, Buffer.from(`"${shown}"`))).toEqual([]);
    expect(readFileSync(recorder.path).toString('latin1', 0, 8)).toBe('RCJOURN2');
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(scene.closed).toMatchObject([{ failed: false }]);
    const key = await vault.keyOf(ACCOUNT, recorder.head.id);
    expect(surveyJournal({ path: recorder.path, key })).toMatchObject({ frames: 200, torn: false });
    expect(findInFiles(scene.folder, SECRET)).toEqual([]);
  });

  test('has each mask on disk when that is answered: a copy of the file taken then is masked to its end', async () => {
    const { scene, vault } = await sealedScene();
    await scene.announce({ record_call: WAV });
    scene.speak(500);
    const { recorder } = scene.started[0]!;
    const copy = join(scratchDir(), 'copy.journal');
    const masksIn = async () => {
      copyFileSync(recorder.path, copy);
      const key = await vault.keyOf(ACCOUNT, recorder.head.id);
      return surveyJournal({ path: copy, key }).masks.map(({ endUs }) => endUs === null);
    };
    for (const [action, open] of [
      ['mask', [true]],
      ['unmask', [false]],
      ['mask', [false, true]],
    ] as const) {
      await scene.act('a', action);
      expect(await masksIn()).toEqual(open);
      scene.speak(200, { secret: action === 'mask' });
    }
    await scene.calls.hangUp(ACCOUNT, 'c1');
  });

  test('begins when its key is on disk, not before: start is answered then', async () => {
    const { scene, keys } = await sealedScene();
    await scene.announce();
    const { recordings } = await scene.act('a', 'start', WAV);
    expect(readdirSync(join(keys, ACCOUNT))).toEqual([`${recordings[0]!.id}.key`]);
    await scene.calls.hangUp(ACCOUNT, 'c1');
  });
});

describe('a key that can not be kept', () => {
  test('fails its recording, which is told; the call goes on, masks though no mask is durable, and another starts later', async () => {
    const { scene, keys } = await sealedScene();
    await scene.announce();
    scene.speak(200);
    writeFileSync(join(keys, ACCOUNT), 'a file where the folder would be');
    expect(await codeOf(scene.act('a', 'start', WAV))).toBe('JOURNAL_UNWRITABLE');
    scene.speak(500);
    expect(scene.toldOf('recording.failed')).toMatchObject([{ code: 'JOURNAL_UNWRITABLE' }]);
    expect(scene.failed).toMatchObject([{ code: 'JOURNAL_UNWRITABLE' }]);
    expect(await codeOf(scene.act('a', 'mask'))).toBe('MASK_NOT_DURABLE');
    expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(true);
    expect(existsSync(scene.started[0]!.recorder.path)).toBe(false);
    expect(scene.defects).toEqual([]);
    await scene.calls.hangUp(ACCOUNT, 'c1');

    rmSync(join(keys, ACCOUNT));
    await scene.announce({ call_id: 'c2', record_call: WAV });
    scene.speak(200, { callId: 'c2' });
    await scene.calls.hangUp(ACCOUNT, 'c2');
    await vi.waitFor(() => expect(scene.closed.at(-1)).toMatchObject({ failed: false }));
  });
});
