/** The master key: made once, read from its file or the environment, refused when others may read it, never made anew over keys that need it. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfiguration } from '../../src/app/configuration.ts';
import { openVault, rewrapKeys } from '../../src/app/master-key.ts';
import { keyFinding } from '../../src/cli/doctor-keys.ts';
import { serveCommand } from '../../src/cli/serve.ts';
import { MasterKeys } from '../../src/spool/seal/master-keys.ts';
import { sealKeyOf } from '../../src/spool/seal/seal-key.ts';
import { findInFiles, scratchDir } from '../support/scratch.ts';

const ID = `202601-${'a'.repeat(32)}`;
const hexKey = (): string => randomBytes(32).toString('hex');
const idOf = (hex: string): string => new MasterKeys([sealKeyOf(Buffer.from(hex, 'hex'))]).id;

/** A data folder, its settings, and what is logged. */
const installation = (env: Readonly<Record<string, string>> = {}) => {
  const data = join(scratchDir(), 'data');
  mkdirSync(data, { mode: 0o700 });
  const logged: string[] = [];
  const log = (level: string) => (fields: object, sentence: string) =>
    void logged.push(`${level} ${sentence} ${JSON.stringify(fields)}`);
  const logger = { info: log('info'), warn: log('warn'), error: log('error') };
  const settings = (more: Readonly<Record<string, string>> = {}) =>
    readConfiguration({ RECORD_CALL_DATA_DIR: data, ...env, ...more });
  const open = (more: Readonly<Record<string, string>> = {}) => openVault(settings(more), logger as never);
  const failure = (more: Readonly<Record<string, string>> = {}): Promise<{ code: string; message: string }> =>
    open(more).then(
      () => expect.unreachable(),
      (error) => error,
    );
  return { data, file: join(data, 'master.key'), logged, logger, settings, open, failure };
};

describe('the first start', () => {
  test('makes a key file for its owner alone, says where it is, and the next ones read it', async () => {
    const { data, file, logged, open } = installation();
    const vault = await open();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^[0-9a-f]{64}\n$/);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain(file);
    expect(logged[0]).not.toContain(text.trim());
    const key = vault.create('acme', ID);
    await vault.durable(ID);
    expect((await (await open()).keyOf('acme', ID))!.equals(key)).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(logged).toHaveLength(1);
    for (const form of [Buffer.from(text.trim(), 'hex'), Buffer.from(text.trim())])
      expect(findInFiles(join(data, 'keys'), form)).toEqual([]);
    expect(readdirSync(data).sort()).toEqual(['keys', 'master.key']);
  });

  test('takes the file that is named, or the environment, and makes none', async () => {
    const { data, file, open } = installation();
    const elsewhere = join(data, '..', 'secret');
    writeFileSync(elsewhere, `# of this machine\n\n  ${hexKey().toUpperCase()}  \r\n`, { mode: 0o400 });
    await open({ RECORD_CALL_MASTER_KEY_FILE: elsewhere });
    expect(readdirSync(data)).not.toContain('master.key');
    const other = installation({ RECORD_CALL_MASTER_KEY: hexKey() });
    await other.open();
    expect(readdirSync(other.data)).not.toContain('master.key');
    expect(file).not.toBe(other.file);
  });
});

describe('a start is refused, and says what to do', () => {
  test('when the key file is gone and keys need it; nothing is made in its place', async () => {
    const { data, file, open, failure } = installation();
    await open();
    rmSync(file);
    const { code, message } = await failure();
    expect(code).toBe('KEY_MISSING');
    expect(message).toContain(file);
    expect(message).toMatch(/put it back from a backup/);
    expect(readdirSync(data)).toEqual(['keys']);
    expect((await failure({ RECORD_CALL_MASTER_KEY_FILE: join(data, 'nowhere') })).code).toBe('KEY_MISSING');
    // Also when only recordings' keys are left.
    const again = installation();
    const vault = await again.open();
    vault.create('acme', ID);
    await vault.durable(ID);
    rmSync(join(again.data, 'keys', 'store.key'));
    rmSync(again.file);
    expect((await again.failure()).code).toBe('KEY_MISSING');
  });

  for (const [name, mode] of [
    ['its group may read it', 0o640],
    ['everybody may', 0o604],
    ['everybody may write it', 0o602],
  ] as const)
    test(`when ${name}`, async () => {
      const { file, open, failure } = installation();
      await open();
      chmodSync(file, mode);
      const { code, message } = await failure();
      expect([code, message]).toEqual(['KEY_UNUSABLE', expect.stringContaining(`chmod 600 ${file}`)]);
      chmodSync(file, 0o600);
      await open();
    });

  for (const { name, text, why } of [
    { name: 'is empty', text: '', why: /no key/ },
    { name: 'has only comments', text: '# one\n\n', why: /no key/ },
    { name: 'has a line too short', text: `${'a'.repeat(64)}\n${'b'.repeat(63)}\n`, why: /line 2/ },
    { name: 'has a letter that is none', text: `${'a'.repeat(63)}g`, why: /line 1/ },
    { name: 'is something else', text: 'x'.repeat(20_000), why: /bytes/ },
  ])
    test(`when the key file ${name}`, async () => {
      const { file, failure } = installation();
      writeFileSync(file, text, { mode: 0o600 });
      const { code, message } = await failure();
      expect([code, message]).toEqual(['KEY_UNUSABLE', expect.stringMatching(why)]);
      for (const line of text.split('\n').filter((each) => each.length > 20)) expect(message).not.toContain(line);
    });

  test('when the key is a folder', async () => {
    const { file, failure } = installation();
    mkdirSync(file, { mode: 0o700 });
    expect((await failure()).code).toBe('KEY_UNUSABLE');
  });

  test('when it is another key than the one in use, whose id it names', async () => {
    const { file, open, failure } = installation();
    await open();
    const id = idOf(readFileSync(file, 'utf8').trim());
    writeFileSync(file, `${hexKey()}\n`);
    const { code, message } = await failure();
    expect(code).toBe('KEY_UNUSABLE');
    expect(message).toContain(id);
    expect((await failure({ RECORD_CALL_MASTER_KEY: hexKey() })).code).toBe('KEY_UNUSABLE');
  });

  test.skipIf(process.getuid?.() === 0)('when it may not be read, which is not that it is missing', async () => {
    const { file, open, failure } = installation();
    await open();
    chmodSync(file, 0);
    expect((await failure()).code).toBe('KEY_UNUSABLE');
  });
});

describe('the setting', () => {
  test('holds no text of a key, and a key that is none is in no message', () => {
    const hex = hexKey();
    const settings = readConfiguration({ RECORD_CALL_MASTER_KEY: hex });
    expect(inspect(settings, { depth: 9 }) + JSON.stringify(settings)).not.toContain(hex.slice(0, 12));
    const wrong = `${hex}0`;
    expect(() => readConfiguration({ RECORD_CALL_MASTER_KEY: wrong })).toThrow(/RECORD_CALL_MASTER_KEY takes 64 hex/);
    expect(() => readConfiguration({ RECORD_CALL_MASTER_KEY: wrong })).not.toThrow(hex.slice(0, 12));
  });

  test('is taken out of the environment that programs and threads are started with', async () => {
    process.env.RECORD_CALL_MASTER_KEY = hexKey();
    onTestFinished(() => void delete process.env.RECORD_CALL_MASTER_KEY);
    const out = { write: () => {} };
    const blocked = join(scratchDir(), 'file');
    writeFileSync(blocked, '');
    const env = { RECORD_CALL_DATA_DIR: join(blocked, 'data') };
    const io = { stdout: out, stderr: out, env, signal: new AbortController().signal };
    await expect(serveCommand([], io)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    expect(process.env.RECORD_CALL_MASTER_KEY).toBeUndefined();
  });

  test('is not taken from a configuration file, which is no place for it', () => {
    const path = join(scratchDir(), 'config.json');
    const hex = hexKey();
    writeFileSync(path, JSON.stringify({ master_key: hex }));
    expect(() => readConfiguration({}, path)).toThrow(/from the environment, RECORD_CALL_MASTER_KEY/);
    expect(() => readConfiguration({}, path)).not.toThrow(hex.slice(0, 12));
    writeFileSync(path, JSON.stringify({ master_key_file: '/etc/key', encryption: 'off' }));
    expect(readConfiguration({}, path)).toMatchObject({ master_key_file: '/etc/key', encryption: 'off' });
  });
});

describe('a rotation', () => {
  for (const { name, rotate } of [
    {
      name: 'by a new first line in the file',
      rotate: ({ file }: ReturnType<typeof installation>, key: string) => {
        writeFileSync(file, `${key}\n${readFileSync(file, 'utf8')}`);
        return { during: {}, after: {} };
      },
    },
    {
      name: 'by the environment, before the file',
      rotate: (_: ReturnType<typeof installation>, key: string) => ({
        during: { RECORD_CALL_MASTER_KEY: key },
        after: { RECORD_CALL_MASTER_KEY: key },
      }),
    },
    {
      name: 'in the environment, both behind each other',
      rotate: ({ file }: ReturnType<typeof installation>, key: string) => {
        const old = readFileSync(file, 'utf8').trim();
        rmSync(file);
        return { during: { RECORD_CALL_MASTER_KEY: `${key},${old}` }, after: { RECORD_CALL_MASTER_KEY: key } };
      },
    },
  ])
    test(`${name}: every key is taken over, the log says that the old line may go, and it may`, async () => {
      const place = installation();
      const vault = await place.open();
      const key = vault.create('acme', ID);
      await vault.durable(ID);
      const old = readFileSync(place.file, 'utf8').trim();
      const next = hexKey();
      const { during, after } = rotate(place, next);
      const rotated = await place.open(during);
      await rewrapKeys(rotated, place.logger as never, new AbortController().signal);
      const said = place.logged.at(-1)!;
      expect(said).toMatch(/lines behind it may be removed/);
      expect(said).toContain(idOf(next));
      expect(said).toContain(idOf(old));
      for (const secret of [old, next]) expect(said).not.toContain(secret.slice(0, 20));
      if (place.settings(after).master_key.length === 0) writeFileSync(place.file, `${next}\n`);
      else rmSync(place.file, { force: true });
      expect((await (await place.open(after)).keyOf('acme', ID))!.equals(key)).toBe(true);
    });

  test('is none with one key: nothing is read, nothing said', async () => {
    const { logged, logger, open } = installation();
    const vault = await open();
    await rewrapKeys(vault, logger as never, new AbortController().signal);
    expect(logged).toHaveLength(1);
  });

  test('that can not read one key says to keep every line', async () => {
    const place = installation();
    const vault = await place.open();
    vault.create('acme', ID);
    await vault.durable(ID);
    writeFileSync(place.file, `${hexKey()}\n${readFileSync(place.file, 'utf8')}`);
    const [path] = readdirSync(join(place.data, 'keys', 'acme')).map((name) => join(place.data, 'keys', 'acme', name));
    // What reading a folder fails with is no ENOENT, as a bad disk's is none.
    rmSync(path!);
    mkdirSync(path!);
    await rewrapKeys(await place.open(), place.logger as never, new AbortController().signal);
    expect(place.logged.at(-1)).toMatch(/keep every line/);
    expect(place.logged.join('\n')).not.toMatch(/may be removed/);
  });

  test('that fails says to keep every line', async () => {
    const { data, file, logged, logger, open } = installation();
    await open();
    writeFileSync(file, `${hexKey()}\n${readFileSync(file, 'utf8')}`);
    const vault = await open();
    mkdirSync(join(data, 'keys', 'store.key.part'));
    await rewrapKeys(vault, logger as never, new AbortController().signal);
    expect(logged.at(-1)).toMatch(/^error .*keep every line/);
  });
});

describe('of the keys, doctor says', () => {
  test('which one wraps, how many there are, and never makes one', async () => {
    const { data, file, settings, open } = installation();
    expect(await keyFinding(settings())).toMatchObject({ state: 'ok', detail: expect.stringContaining('first start') });
    expect(readdirSync(data)).toEqual([]);
    const vault = await open();
    vault.create('acme', ID);
    await vault.durable(ID);
    const hex = readFileSync(file, 'utf8').trim();
    const { state, detail } = await keyFinding(settings());
    expect([state, detail]).toEqual(['ok', expect.stringContaining(`${idOf(hex)} in ${file}`)]);
    expect(detail).toContain('2 keys');
    expect(detail).not.toContain(hex.slice(0, 20));
    const off = await keyFinding(settings({ RECORD_CALL_ENCRYPTION: 'off' }));
    expect(off.detail).toMatch(/ENCRYPTION is off/);
  });

  for (const { name, spoil, detail } of [
    { name: 'others may read it', spoil: (file: string) => chmodSync(file, 0o644), detail: /chmod 600/ },
    { name: 'it is gone', spoil: (file: string) => rmSync(file), detail: /backup/ },
    {
      name: 'it is another',
      spoil: (file: string) => writeFileSync(file, hexKey()),
      detail: /sealed by the master key [0-9a-f]{16}/,
    },
  ])
    test(`what is wrong when ${name}`, async () => {
      const { file, settings, open } = installation();
      await open();
      spoil(file);
      expect(await keyFinding(settings())).toMatchObject({ state: 'lack', detail: expect.stringMatching(detail) });
    });
});
