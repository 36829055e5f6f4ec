/** Recordings whose journals are sealed: from their first byte to their artefact, over crashes, lost rows, lost keys and replays. */
import { createSecretKey, randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type BackgroundJob, doJob } from '../../../src/app/recordings/background-job.ts';
import { OutputFile } from '../../../src/finalize/encode/output-file.ts';
import { readJournal } from '../../../src/spool/journal-reader.ts';
import { MasterKeys } from '../../../src/spool/seal/master-keys.ts';
import type { SealKey } from '../../../src/spool/seal/seal-key.ts';
import { Vault } from '../../../src/spool/seal/vault.ts';
import { callCapture } from '../../support/call-scenario.ts';
import { findInFiles, scratchDir } from '../../support/scratch.ts';
import { smallCall } from '../../support/small-call.ts';
import { beginCall, HeldPool, type Kit, openShelf, recordCall, START_US, until } from './shelf-kit.ts';

const [MASTER, NEXT] = [createSecretKey(Buffer.alloc(32, 1)), createSecretKey(Buffer.alloc(32, 2))];
const SEALED = Buffer.from('RCJOURN2');
const PLAIN = Buffer.from('RCJOURN1');

const vaultOf = (folder: string, ...masters: SealKey[]): Promise<Vault> =>
  Vault.open({ keys: join(folder, 'keys'), master: new MasterKeys(masters.length === 0 ? [MASTER] : masters) });

/** A shelf on a new data folder with a vault in it. */
const sealedShelf = async (change: Parameters<typeof openShelf>[0] = {}): Promise<Kit> => {
  const data = join(scratchDir(), 'data');
  return openShelf({ data, vault: await vaultOf(data), ...change });
};

/** The next start: a vault opened anew, as the process knows nothing of the one before. */
const restarted = async (kit: Kit, change: Parameters<typeof openShelf>[0] = {}): Promise<Kit> => {
  const again = await openShelf({ vault: change.vault ?? (await vaultOf(kit.folder)), ...change }, kit);
  await again.shelf.recover();
  await again.shelf.settled();
  return again;
};

/** One closed recording whose finalizer never came to an end. */
const died = async () => {
  const pool = new HeldPool();
  const kit = await sealedShelf({ pool });
  const { call, recorder } = beginCall(kit);
  const { id } = recorder.head;
  // All frames are in the first segment, counts and end in the second.
  await recorder.sync();
  const flushed = statSync(placesOf(kit, id).journal).size;
  await call.end();
  await until(() => pool.held.length === 1);
  return { kit, id, flushed, ...placesOf(kit, id) };
};

const placesOf = ({ folder }: Kit, id: string, account = 'acme') => ({
  journal: join(folder, `journals/${account}/${id}.journal`),
  key: join(folder, `keys/${account}/${id}.key`),
});

const stateOf = async (kit: Kit, id: string) => {
  const { state, error } = (await kit.store.recordings.get('acme', id))!;
  return [state, error?.code ?? null];
};

const audioOf = async (kit: Kit, id: string): Promise<Buffer> => {
  const { source } = await kit.shelf.artefact('acme', id);
  const open = await source.open();
  const into = Buffer.alloc(open.size);
  await open.read(into, 0);
  await open.close();
  return into;
};

/** The samples of a call that was recorded where nothing is sealed. */
const plainAudio = async (): Promise<Buffer> => {
  const kit = await openShelf();
  const id = await recordCall(kit);
  await kit.shelf.settled();
  return audioOf(kit, id);
};

test('a recording is under a key of its own from its first byte, and comes out as it would have', async () => {
  const pool = new HeldPool();
  const kit = await sealedShelf({ pool });
  const id = await recordCall(kit);
  const { journal, key } = placesOf(kit, id);
  await until(() => pool.held.length === 1);
  expect(readFileSync(journal).subarray(0, 8)).toEqual(SEALED);
  for (const path of [journal, key]) expect(statSync(path).mode & 0o777).toBe(0o600);
  for (const path of [journal, key]) expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  // Who was called is in the head.
  expect(findInFiles(join(kit.folder, 'journals'), Buffer.from('bob@example.com'))).toEqual([]);
  pool.held[0]!.go();
  await kit.shelf.settled();
  expect(await stateOf(kit, id)).toEqual(['stored', null]);
  expect(await audioOf(kit, id)).toEqual(await plainAudio());
  expect(existsSync(journal)).toBe(false);
  expect(existsSync(key)).toBe(true);
  await kit.shelf.remove('acme', id);
  expect(kit.files()).toEqual(['keys/store.key']);
});

describe('a start after the service died', () => {
  for (const { name, arrange } of [
    { name: 'while finalizing', arrange: async () => {} },
    {
      name: 'while recording, its last segment torn',
      arrange: async ({ kit, id, journal }: Awaited<ReturnType<typeof died>>) => {
        await kit.store.recordings.update(id, { state: 'recording' });
        truncateSync(journal, statSync(journal).size - 7);
      },
    },
    {
      name: 'and its row is lost',
      arrange: async ({ kit, id }: Awaited<ReturnType<typeof died>>) => kit.store.recordings.remove('acme', id),
    },
  ])
    test(`${name}: the recording is stored, its journal gone`, async () => {
      const before = await died();
      await before.kit.shelf.close();
      await arrange(before);
      const again = await restarted(before.kit);
      expect(await stateOf(again, before.id)).toEqual(['stored', null]);
      expect(existsSync(before.journal)).toBe(false);
      if (!name.includes('torn')) expect(await audioOf(again, before.id)).toEqual(await plainAudio());
    });

  test('at any byte of its journal has what was flushed by then, or sets aside what has no head', async () => {
    const before = await died();
    await before.kit.shelf.close();
    const row = (await before.kit.store.recordings.get('acme', before.id))!;
    const whole = readFileSync(before.journal);
    const keep = readFileSync(before.key);
    const { flushed } = before;
    for (const length of [
      0,
      7,
      8,
      39,
      40,
      44,
      200,
      flushed - 1,
      flushed,
      flushed + 3,
      flushed + 40,
      whole.length - 1,
    ]) {
      await before.kit.store.recordings.update(before.id, { ...row, state: 'recording' });
      writeFileSync(before.journal, whole.subarray(0, length));
      writeFileSync(before.key, keep);
      const again = await restarted(before.kit);
      const wanted = length < flushed ? ['failed', 'JOURNAL_UNREADABLE'] : ['stored', null];
      expect(await stateOf(again, before.id), `cut at ${length}`).toEqual(wanted);
      const aside = join(before.kit.folder, `journals/damaged/acme/${before.id}.journal`);
      // One that holds nothing at all is not damaged.
      expect([existsSync(aside), existsSync(before.journal)]).toEqual([length > 0 && length < flushed, false]);
      for (const made of [aside, join(before.kit.folder, 'recordings/acme')])
        rmSync(made, { recursive: true, force: true });
      await again.shelf.close();
    }
  });

  test('in the middle of a rotation reads what either master key has wrapped', async () => {
    const before = await died();
    await before.kit.shelf.close();
    const vault = await vaultOf(before.kit.folder, NEXT, MASTER);
    await vault.rewrap();
    const again = await restarted(before.kit, { vault });
    expect(await stateOf(again, before.id)).toEqual(['stored', null]);
  });

  for (const { name, spoil, code } of [
    { name: 'gone', spoil: (path: string) => rmSync(path), code: 'KEY_MISSING' },
    { name: 'cut off', spoil: (path: string) => truncateSync(path, 50), code: 'KEY_MISSING' },
    { name: 'damaged', spoil: (path: string) => writeFileSync(path, Buffer.alloc(120, 7)), code: 'KEY_UNUSABLE' },
  ])
    test(`whose key is ${name}: its journal stays, is told of, and is finalized when the key is back`, async () => {
      const before = await died();
      await before.kit.shelf.close();
      copyFileSync(before.key, `${before.kit.folder}/kept`);
      spoil(before.key);
      const again = await restarted(before.kit);
      expect(await stateOf(again, before.id)).toEqual(['failed', code]);
      expect(existsSync(before.journal)).toBe(true);
      // Neither does a sweep, nor a start, set it aside.
      await again.shelf.sweep();
      await again.shelf.recover();
      await again.shelf.settled();
      expect(existsSync(before.journal)).toBe(true);
      await again.shelf.close();
      renameSync(`${before.kit.folder}/kept`, before.key);
      const third = await restarted(before.kit);
      expect(await stateOf(third, before.id)).toEqual(['stored', null]);
    });

  test('whose key and row are both gone holds up nobody, and stays', async () => {
    const before = await died();
    await before.kit.shelf.close();
    rmSync(before.key);
    await before.kit.store.recordings.remove('acme', before.id);
    const again = await restarted(before.kit);
    const id = await recordCall(again, { callId: 'another' });
    await again.shelf.settled();
    expect((await again.shelf.get('acme', id)).state).toBe('stored');
    expect(existsSync(before.journal)).toBe(true);
    expect(again.logged.join('\n')).toContain('KEY_MISSING');
  });
});

describe('a plain journal in a sealed one’s place, whose key is gone', () => {
  for (const { name, arrange } of [
    { name: 'and its row as it was', arrange: async () => {} },
    {
      name: 'and its row lost',
      arrange: async ({ kit, id }: Awaited<ReturnType<typeof died>>) => kit.store.recordings.remove('acme', id),
    },
  ])
    test(`${name}: is set aside, and never made a recording`, async () => {
      const before = await died();
      await before.kit.shelf.close();
      const plain = await openShelf({ pool: new HeldPool() });
      const other = await recordCall(plain);
      expect(other).toBe(before.id);
      await until(() => plain.shelf.counts.finalizeRunning === 1);
      rmSync(before.key);
      copyFileSync(placesOf(plain, other).journal, before.journal);
      await arrange(before);
      const again = await restarted(before.kit);
      const row = await again.store.recordings.get('acme', before.id);
      expect(row?.error?.code).toBe(name.includes('lost') ? undefined : 'JOURNAL_UNREADABLE');
      expect(again.files()).toEqual([
        `journals/damaged/acme/${before.id}.about.json`,
        `journals/damaged/acme/${before.id}.journal`,
        'keys/store.key',
      ]);
    });
});

test('a recording whose key can not be kept fails like one whose journal can not be written, and leaves nothing', async () => {
  const kit = await sealedShelf();
  writeFileSync(join(kit.folder, 'keys/acme'), 'a file where the folder would be');
  const { call, recorder } = beginCall(kit);
  await expect(recorder.sync()).rejects.toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
  // The call goes on, and is masked whatever its disk says.
  await expect(call.command({ action: 'mask', fields: {}, trigger: { kind: 'api' } })).rejects.toMatchObject({
    code: 'MASK_NOT_DURABLE',
  });
  expect(call.masks.open).toBeDefined();
  await call.end();
  await kit.shelf.settled();
  expect(await stateOf(kit, recorder.head.id)).toEqual(['failed', 'JOURNAL_UNWRITABLE']);
  expect(kit.files().filter((path) => path.endsWith('.journal') || path.startsWith('recordings'))).toEqual([]);
});

test('a recording that is too short to keep takes its key with it', async () => {
  const kit = await sealedShelf();
  const id = await recordCall(kit, { fields: { record_min_sec: 60 } });
  await kit.shelf.settled();
  expect((await kit.shelf.get('acme', id)).state).toBe('discarded');
  expect(existsSync(placesOf(kit, id).key)).toBe(false);
});

test('a journal of before, in the clear, is finalized beside sealed ones', async () => {
  const pool = new HeldPool();
  const plain = await openShelf({ pool });
  const id = await recordCall(plain);
  await until(() => pool.held.length === 1);
  const { journal } = placesOf(plain, id);
  expect(readFileSync(journal).subarray(0, 8)).toEqual(PLAIN);
  await plain.shelf.close();
  const again = await restarted(plain);
  expect(await stateOf(again, id)).toEqual(['stored', null]);
});

/** Makes it a key of an earlier run. */
const age = (path: string): void => utimesSync(path, START_US / 1e6 - 60, START_US / 1e6 - 60);

test('a start after the service died over a key, before its journal, says that nothing was recorded', async () => {
  const { kit, id, key, journal } = await died();
  await kit.shelf.close();
  await kit.store.recordings.update(id, { state: 'recording' });
  rmSync(journal);
  truncateSync(key, 50);
  const again = await restarted(kit);
  expect(await stateOf(again, id)).toEqual(['failed', 'JOURNAL_UNREADABLE']);
  await again.shelf.remove('acme', id);
  expect(again.files()).toEqual(['keys/store.key']);
});

describe('a start removes keys', () => {
  const STRAY = `202601-${'e'.repeat(32)}`;

  const strayKey = async (kit: Kit, id = STRAY): Promise<string> => {
    kit.vault!.create('acme', id);
    await kit.vault!.durable(id);
    const { key } = placesOf(kit, id);
    age(key);
    return key;
  };

  for (const { name, arrange, isKept } of [
    { name: 'of which nothing is left', arrange: () => {}, isKept: false },
    {
      name: 'but none that is younger than the start: its journal may be on its way',
      arrange: (_: Kit, key: string) => utimesSync(key, new Date(), new Date()),
      isKept: true,
    },
    ...[
      `journals/damaged/acme/${STRAY}.journal`,
      `recordings/acme/202601/${STRAY}.mp3`,
      `recordings/acme/202601/.${STRAY}.next`,
      `jobs/acme/${'b'.repeat(32)}/journals/${STRAY}.journal`,
    ].map((path) => ({
      name: `but none that ${path.split('/', 2).join('/')} has a file of`,
      arrange: ({ folder }: Kit) => {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), 'x');
      },
      isKept: !path.includes('.next'),
    })),
  ])
    test(name, async () => {
      const kit = await sealedShelf();
      const key = await strayKey(kit);
      arrange(kit, key);
      if (existsSync(join(kit.folder, `jobs/acme/${'b'.repeat(32)}`)))
        writeFileSync(join(kit.folder, `jobs/acme/${'b'.repeat(32)}/job.json`), '{"name":"x","fields":{}}');
      await kit.shelf.recover();
      expect(existsSync(key)).toBe(isKept);
      await kit.shelf.settled();
    });

  test('but none of a recording that its account can still see', async () => {
    const { kit, id, key, journal } = await died();
    await kit.shelf.close();
    rmSync(journal);
    age(key);
    const again = await restarted(kit);
    expect(await stateOf(again, id)).toEqual(['failed', 'JOURNAL_UNREADABLE']);
    expect(existsSync(key)).toBe(true);
  });
});

describe('a replay', () => {
  const upload = async (kit: Kit) => {
    const place = await kit.shelf.newUpload('acme');
    const file = await OutputFile.create(place.path, place.seal === undefined ? {} : { seal: place.seal });
    await file.append(callCapture(smallCall({ durationMs: 1000 })));
    await file.close();
    return kit.shelf.replay('acme', { ...place, name: 'call.pcap', fields: { format: 'wav' } });
  };

  /** What is in a job's journals when its reading has ended. */
  const watched = () => {
    const magics: string[] = [];
    const jobs: BackgroundJob[] = [];
    const background: NonNullable<Parameters<typeof openShelf>[0]>['background'] = async (job, { onProgress }) => {
      jobs.push(structuredClone(job));
      const result = await doJob(structuredClone(job), onProgress);
      if (job.kind === 'replay')
        for (const name of readdirSync(job.journals))
          magics.push(readFileSync(join(job.journals, name)).toString('latin1', 0, 8));
      return result;
    };
    return { magics, jobs, background };
  };

  const ended = (kit: Kit, id: string) => until(() => kit.shelf.job('acme', id).state === 'done', 'the end of the job');

  for (const { encryption, magic } of [
    { encryption: 'on', magic: 'RCJOURN2' },
    { encryption: 'off', magic: 'RCJOURN1' },
  ] as const)
    test(`makes journals that are ${encryption === 'on' ? 'sealed' : 'plain'} when encryption is ${encryption}`, async () => {
      const { magics, background } = watched();
      const kit = await sealedShelf({ background, encryption });
      const { id } = await upload(kit);
      await ended(kit, id);
      const { recordings } = kit.shelf.job('acme', id);
      expect(magics).toEqual(recordings.map(() => magic));
      for (const recording of recordings) {
        expect(await stateOf(kit, recording)).toEqual(['stored', null]);
        expect(existsSync(placesOf(kit, recording).key)).toBe(encryption === 'on');
      }
    });

  test('that a restart begins anew still has the key of its upload, however old', async () => {
    let hasBegun = false;
    const kit = await sealedShelf({
      background: (_, { signal }) => {
        hasBegun = true;
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    });
    const { id } = await upload(kit);
    await until(() => hasBegun);
    age(placesOf(kit, id).key);
    await kit.shelf.close();
    const again = await openShelf({ vault: await vaultOf(kit.folder) }, kit);
    await again.shelf.recover();
    await ended(again, id);
    const [recording] = again.shelf.job('acme', id).recordings;
    expect(await stateOf(again, recording!)).toEqual(['stored', null]);
    expect(readdirSync(join(kit.folder, 'keys/acme'))).toEqual([`${recording}.key`]);
  });

  test('that died between journals and recordings hands them over with their keys, and leaves none of its own', async () => {
    const { jobs, background } = watched();
    const kit = await sealedShelf({
      background: async (job, options) => {
        await background(job, options);
        throw new Error('died');
      },
    });
    const { id } = await upload(kit);
    await until(() => kit.shelf.job('acme', id).state === 'failed');
    await kit.shelf.close();
    // As the worker has left it, with what would have been written next.
    const job = jobs[0] as Extract<BackgroundJob, { kind: 'replay' }>;
    expect(job.sealing?.accountId).toBe('acme');
    const folder = dirname(job.journals);
    expect(existsSync(folder)).toBe(false);
    const later = await openShelf({ vault: await vaultOf(kit.folder), background: watched().background }, kit);
    const second = await upload(later);
    await ended(later, second.id);
    const { recordings } = later.shelf.job('acme', second.id);
    const left = readdirSync(join(kit.folder, 'keys/acme')).filter((name) => !name.startsWith(recordings[0]!));
    // The first attempt's, a start after the next removes: nothing is left that it opens.
    expect(left).toHaveLength(1);
    for (const name of left) utimesSync(join(kit.folder, 'keys/acme', name), 1, 1);
    await later.shelf.close();
    await restarted(kit);
    expect(readdirSync(join(kit.folder, 'keys/acme'))).toEqual([`${recordings[0]}.key`]);
  });
});

test('of a key, nothing is logged, told or thrown', async () => {
  const before = await died();
  await before.kit.shelf.close();
  const key = (await before.kit.vault!.keyOf('acme', before.id))!;
  truncateSync(before.key, 60);
  const again = await restarted(before.kit);
  const said = JSON.stringify([again.logged, again.events, before.kit.logged, before.kit.events]);
  for (const secret of [key, MASTER])
    for (const form of ['hex', 'base64', 'base64url'] as const)
      expect(said).not.toContain(secret.export().toString(form).slice(0, 20));
  expect(() => [...readJournal(before.journal, undefined, createSecretKey(randomBytes(32)))]).toThrow('head');
});
