/** `record-call verify` of signatures and audits, as whoever runs it sees it: a line for each check, one on stderr, the exit status. */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { exportChain } from '../../src/app/audit/audit-export.ts';
import type { AuditMark, Manifest } from '../../src/finalize/manifest.ts';
import { publicKeyDocument, signed } from '../../src/finalize/signature.ts';
import { CHAIN_BEGIN, type ChainedEntry, hashOf } from '../../src/store/audit-chain.ts';
import { IN_MEMORY } from '../../src/store/sqlite-file.ts';
import { Store } from '../../src/store/store.ts';
import { callCommand, expectOneLine, runReplay } from '../support/command.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { writeSmallCall } from '../support/small-call.ts';

const folder = sharedScratchDir();
const at = (name: string): string => join(folder, name);

const [OURS, THEIRS] = [generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('ed25519').privateKey];
const ID = publicKeyDocument(OURS).key_id;
const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const writeKey = (path: string, text: string, mode = 0o600): void => {
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
};

const ACCOUNT = 'acme';
const NOW_US = Date.UTC(2026, 0, 15) * 1000;
let lines: string[];
let mark: AuditMark;

/** The audit of an account as the API exports it, with `count` entries before the mark and as many behind it. */
const auditOf = async (
  key: KeyObject | undefined,
  count = 5,
  pruned = 0,
): Promise<{ text: string; mark: AuditMark }> => {
  const store = await Store.open(IN_MEMORY);
  const entry = (n: number) => ({
    ...{ accountId: ACCOUNT, atUs: NOW_US + n, actor: 'api:k1', action: 'recording.mask', subject: 'call/c1' },
    data: { n },
  });
  for (let n = 1; n <= count; n++) await store.audit.append(entry(n));
  const end = (await store.audit.end(ACCOUNT)) ?? CHAIN_BEGIN;
  for (let n = 1; n <= count; n++) await store.audit.append(entry(count + n));
  if (pruned > 0) await store.audit.prune(NOW_US + pruned + 1, NOW_US + 1000);
  const { audit } = store;
  let text = '';
  for await (const part of await exportChain({ audit, accountId: ACCOUNT, nowUs: NOW_US, signingKey: key }))
    text += part;
  await store.close();
  return { text, mark: { account_id: ACCOUNT, ...end } };
};

const writeManifest = (name: string, change: (manifest: Manifest) => object, key?: KeyObject): void => {
  copyFileSync(at('call.wav'), at(name));
  const manifest = change(JSON.parse(readFileSync(at('call.wav.json'), 'utf8')));
  const { signature: _, ...bare } = manifest as Manifest;
  const written = key === undefined ? { ...bare, signature: null } : signed(bare, key);
  writeFileSync(at(`${name}.json`), JSON.stringify(written));
};

beforeAll(async () => {
  writeKey(at('ours.key'), pemOf(OURS));
  writeKey(at('theirs.key'), pemOf(THEIRS));
  writeFileSync(at('ours.pem'), publicKeyDocument(OURS).pem);
  writeFileSync(at('theirs.pem'), publicKeyDocument(THEIRS).pem);
  writeFileSync(at('ours.json'), JSON.stringify({ data: publicKeyDocument(OURS), status: 'success' }));
  writeFileSync(at('ours-alone.json'), JSON.stringify(publicKeyDocument(OURS)));
  const capture = writeSmallCall(folder, 'call.pcap', {});
  const data = JSON.stringify({ format: 'wav', media_name: 'call.wav' });
  await runReplay([capture, '--out', folder, '--mask', '1-2.5', '--data', data, '--sign', at('ours.key')]);
  const audit = await auditOf(OURS);
  lines = audit.text.trimEnd().split('\n');
  mark = audit.mark;
  writeFileSync(at('audit.jsonl'), audit.text);
  writeManifest('marked.wav', (manifest) => ({ ...manifest, audit: mark }), OURS);
  writeManifest('unsigned.wav', (manifest) => ({ ...manifest, audit: mark }));
});

type Row = {
  readonly name: string;
  readonly args: () => string[];
  readonly status: number;
  /** Lines that are there. */
  readonly told: readonly RegExp[];
};

const outcome = ({ name, args, status, told }: Row): void => {
  test(`${name}: ${status}`, async () => {
    const result = await callCommand(['verify', ...args()]);
    expect([result.status, result.stdout, result.stderr]).toEqual([status, result.stdout, result.stderr]);
    for (const line of told) expect(result.stdout.split('\n')).toContainEqual(expect.stringMatching(line));
    const failed = told.filter(({ source }) => source.startsWith('^FAIL'));
    expect(result.stdout.match(/^FAIL/gm) ?? []).toHaveLength(failed.length);
    if (status === 0) expect(result.stderr).toBe('');
    else expectOneLine(result.stderr);
  });
};

const key = (name: string): string[] => ['--key', at(name)];
const audit = (name = 'audit.jsonl'): string[] => ['--audit', at(name)];

describe('a replay with --sign', () => {
  test('signs its manifests with that key', () => {
    const { signature, audit: none } = JSON.parse(readFileSync(at('call.wav.json'), 'utf8')) as Manifest;
    expect([signature?.key_id, none]).toEqual([ID, null]);
  });

  for (const { name, make, want, status } of [
    {
      name: 'that is not there',
      make: () => at('none.key'),
      want: /can't read the signing key .* \(ENOENT\)/,
      status: 2,
    },
    {
      name: 'that others may read',
      make: () => {
        const path = join(scratchDir(), 'k');
        writeKey(path, pemOf(OURS), 0o644);
        return path;
      },
      want: /others may read the signing key .*: chmod 600 it/,
      status: 2,
    },
    { name: 'that is none', make: () => at('ours.pem'), want: /signing key|no private Ed25519 key/, status: 2 },
    { name: 'without a name', make: () => '', want: /--sign is given an empty value/, status: 2 },
  ])
    test(`and a key ${name} records nothing: exit status 2, one line`, async () => {
      const out = scratchDir();
      const result = await callCommand(['replay', at('call.pcap'), '--out', join(out, 'o'), '--sign', make()]);
      expect([result.status, result.stdout]).toEqual([status, '']);
      expectOneLine(result.stderr);
      expect(result.stderr).toMatch(want);
    });
});

describe('what verify makes of a signature', () => {
  for (const row of [
    {
      name: 'signed, no key named',
      args: () => [at('call.wav')],
      status: 0,
      told: [/^ok +signature +of key [0-9a-f]{16}; whose that is, only --key can tell$/],
    },
    ...['ours.pem', 'ours.json', 'ours-alone.json', 'ours.key'].map((file) => ({
      name: `signed, the key as ${file}`,
      args: () => [at('call.wav'), ...key(file)],
      status: 0,
      told: [/^ok +signature +of key [0-9a-f]{16}, as it has to be$/],
    })),
    {
      name: 'signed, one of two keys',
      args: () => [at('call.wav'), ...key('theirs.pem'), ...key('ours.pem')],
      status: 0,
      told: [/^ok +signature /],
    },
    {
      name: "signed, somebody else's key",
      args: () => [at('call.wav'), ...key('theirs.pem')],
      status: 1,
      told: [/^FAIL +signature +of key [0-9a-f]{16}, not of the one that was given$/, /^ok +digest /],
    },
    {
      name: 'not signed, no key named',
      args: () => [at('unsigned.wav')],
      status: 0,
      told: [/^- +signature +not signed$/, /^The manifest is not signed/],
    },
    {
      name: 'not signed, a key named',
      args: () => [at('unsigned.wav'), ...key('ours.pem')],
      status: 1,
      told: [/^FAIL +signature +not signed$/],
    },
    {
      name: 'changed after it was signed',
      args: () => {
        const manifest = JSON.parse(readFileSync(at('call.wav.json'), 'utf8')) as Manifest;
        const path = join(scratchDir(), 'm.json');
        writeFileSync(path, JSON.stringify({ ...manifest, recording: { ...manifest.recording, label: 'another' } }));
        return [at('call.wav'), path];
      },
      status: 1,
      told: [/^FAIL +signature +what it says is not what key [0-9a-f]{16} has signed$/],
    },
    {
      name: 'written in another order and with other spaces',
      args: () => {
        const manifest = JSON.parse(readFileSync(at('call.wav.json'), 'utf8')) as Manifest;
        const path = join(scratchDir(), 'm.json');
        writeFileSync(path, JSON.stringify(Object.fromEntries(Object.entries(manifest).reverse()), null, 7));
        return [at('call.wav'), path, ...key('ours.pem')];
      },
      status: 0,
      told: [/^ok +signature /],
    },
    {
      name: 'as the API answers it, in its envelope',
      args: () => {
        const data = JSON.parse(readFileSync(at('call.wav.json'), 'utf8')) as Manifest;
        const path = join(scratchDir(), 'm.json');
        writeFileSync(path, JSON.stringify({ data, status: 'success' }));
        return [at('call.wav'), path, ...key('ours.pem')];
      },
      status: 0,
      told: [/^ok +signature /],
    },
    {
      name: 'a name of it written twice, so that two readers see two manifests',
      args: () => {
        const text = readFileSync(at('call.wav.json'), 'utf8');
        const path = join(scratchDir(), 'm.json');
        writeFileSync(path, text.replace('{', '{"masks":[],'));
        return [at('call.wav'), path];
      },
      status: 2,
      told: [],
    },
    {
      name: 'sound under a mask, signed by whoever put it there, the key named',
      args: () => {
        const path = join(scratchDir(), 'x.wav');
        const wav = readFileSync(at('call.wav'));
        wav.writeInt16LE(5000, wav.indexOf('data', 0, 'latin1') + 8 + 12_000 * 4);
        writeFileSync(path, wav);
        const manifest = JSON.parse(readFileSync(at('call.wav.json'), 'utf8')) as Manifest;
        const sha256 = createHash('sha256').update(wav).digest('hex');
        const forged = signed({ ...manifest, artefact: { ...manifest.artefact, sha256 } }, THEIRS);
        writeFileSync(`${path}.json`, JSON.stringify(forged));
        return [path, ...key('ours.pem')];
      },
      status: 1,
      told: [/^FAIL +signature /, /^FAIL +mask 1000–2500 ms +holds sound/],
    },
    { name: 'a key that is not there', args: () => [at('call.wav'), ...key('none')], status: 2, told: [] },
    { name: 'a key that is none', args: () => [at('call.wav'), ...key('call.wav')], status: 2, told: [] },
    { name: 'a key without a name', args: () => [at('call.wav'), '--key', ''], status: 2, told: [] },
  ] satisfies Row[])
    outcome(row);

  test('--json says whether it is signed', async () => {
    for (const [name, isSigned] of [
      ['call.wav', true],
      ['unsigned.wav', false],
    ] as const) {
      const told = JSON.parse((await callCommand(['verify', '--json', at(name)])).stdout);
      expect(told).toMatchObject({ ok: true, signed: isSigned });
      expect(told.checks[0]).toMatchObject({ name: 'signature', ok: true });
    }
  });
});

/** The exported audit, changed. */
const changed = (change: (all: string[]) => unknown): string => {
  const all = [...lines];
  change(all);
  const path = join(scratchDir(), 'audit.jsonl');
  writeFileSync(path, `${all.join('\n')}\n`);
  return path;
};
const edited = (line: string, change: object): string => JSON.stringify({ ...JSON.parse(line), ...change });
const rehashed = (line: string, change: object): string => {
  const entry = { ...JSON.parse(line), ...change };
  return JSON.stringify({ ...entry, hash: hashOf(entry) });
};

describe('what verify makes of an audit', () => {
  const CHAIN = /^ok +audit chain +entries 1 to 10, none missing or changed$/;
  const withAudit = (path: string): string[] => [at('marked.wav'), '--audit', path];
  for (const row of [
    {
      name: 'whole, with the manifest that names an entry of it',
      args: () => [at('marked.wav'), ...audit(), ...key('ours.pem')],
      status: 0,
      told: [/^ok +audit head +of key/, CHAIN, /^ok +audit entry +entry 5 is the one that the manifest names$/],
    },
    {
      name: 'whole, alone',
      args: () => [...audit(), ...key('ours.pem')],
      status: 0,
      told: [/^ok +audit head +of key [0-9a-f]{16}, as it has to be$/, CHAIN],
    },
    { name: 'whole, alone, no key named', args: () => audit(), status: 0, told: [/^ok +audit head +of key/, CHAIN] },
    {
      name: "whole, somebody else's key",
      args: () => [...audit(), ...key('theirs.pem')],
      status: 1,
      told: [/^FAIL +audit head +of key [0-9a-f]{16}, not of the one/, CHAIN],
    },
    {
      name: 'beside a manifest that names none',
      args: () => [at('call.wav'), ...audit()],
      status: 0,
      told: [CHAIN, /^- +audit entry +the manifest names none$/],
    },
    {
      name: 'an entry that names its action twice: readers may take either',
      args: () => withAudit(changed((all) => all.splice(3, 1, all[3]!.replace('{', '{"action":"recording.unmask",')))),
      status: 1,
      told: [/^FAIL /],
    },
    {
      name: 'an entry removed',
      args: () => withAudit(changed((all) => all.splice(3, 1))),
      status: 1,
      told: [/^FAIL +audit chain +entry 3 is missing$/, /^ok +audit entry /],
    },
    {
      name: 'the entry removed that the manifest names',
      args: () => withAudit(changed((all) => all.splice(5, 1))),
      status: 1,
      told: [
        /^FAIL +audit chain +entry 5 is missing$/,
        /^FAIL +audit entry +entry 5, which the manifest names, is missing$/,
      ],
    },
    {
      name: 'an entry changed',
      args: () => withAudit(changed((all) => all.splice(3, 1, edited(all[3]!, { actor: 'api:k2' })))),
      status: 1,
      told: [/^FAIL +audit chain +entry 3 does not say what it said/, /^ok +audit entry /],
    },
    {
      name: 'a word added to an entry',
      args: () => withAudit(changed((all) => all.splice(3, 1, edited(all[3]!, { more: 1 })))),
      status: 1,
      told: [/^FAIL +audit chain +entry 3 does not say/, /^ok +audit entry /],
    },
    {
      name: 'two entries swapped',
      args: () => withAudit(changed((all) => all.splice(7, 2, all[8]!, all[7]!))),
      status: 1,
      told: [/^FAIL +audit chain +entry 7 is missing; and \d more$/, /^ok +audit entry /],
    },
    {
      name: 'an entry put in',
      args: () => withAudit(changed((all) => all.splice(4, 0, rehashed(all[3]!, { subject: 'call/c2' })))),
      status: 1,
      told: [/^FAIL +audit chain +entry 3 stands behind entry 3: it was moved or put in/, /^ok +audit entry /],
    },
    {
      name: 'its end cut off',
      args: () => withAudit(changed((all) => all.splice(8))),
      status: 1,
      told: [/^FAIL +audit chain +entry 8 is missing, and all up to 10$/, /^ok +audit entry /],
    },
    {
      name: 'its end cut off, and its head made to fit',
      args: () =>
        withAudit(
          changed((all) => {
            all.splice(4);
            all.splice(0, 1, edited(all[0]!, { last: 3, hash: JSON.parse(all[3]!).hash }));
          }),
        ),
      status: 1,
      told: [
        /^FAIL +audit head +what it says is not what key/,
        /^ok +audit chain +entries 1 to 3/,
        /^FAIL +audit entry +the manifest names entry 5, and the audit ends with 3$/,
      ],
    },
    {
      name: 'made anew, and signed by whoever did',
      args: () => {
        const head = JSON.parse(lines[0]!);
        const all = [...lines];
        for (let n = 3; n < all.length; n++)
          all[n] = rehashed(all[n]!, { actor: 'api:k2', previous: JSON.parse(all[n - 1]!).hash });
        const { signature: _, ...said } = { ...head, hash: JSON.parse(all.at(-1)!).hash };
        all[0] = JSON.stringify(signed(said, THEIRS));
        const path = join(scratchDir(), 'audit.jsonl');
        writeFileSync(path, all.join('\n'));
        return withAudit(path);
      },
      status: 1,
      told: [/^ok +audit head/, CHAIN, /^FAIL +audit entry +entry 5 is another than the manifest names$/],
    },
    {
      name: 'its beginning cut off',
      args: () => withAudit(changed((all) => all.splice(1, 2))),
      status: 1,
      told: [/^FAIL +audit chain +entry 1 is missing, and all up to 2/, /^ok +audit entry /],
    },
    {
      name: 'its head not signed',
      args: () => withAudit(changed((all) => all.splice(0, 1, edited(all[0]!, { signature: null })))),
      status: 1,
      told: [/^FAIL +audit head +not signed$/, CHAIN, /^ok +audit entry /],
    },
    {
      name: 'a line cut in the middle, as of a connection that broke',
      args: () => withAudit(changed((all) => all.splice(9, 2, all[9]!.slice(0, 40)))),
      status: 1,
      told: [/^FAIL +audit chain +entry 9 is missing, and all up to 10; and 1 more$/, /^ok +audit entry /],
    },
    {
      name: 'a line that is no entry',
      args: () => withAudit(changed((all) => all.splice(4, 0, '{"entry":"x"}'))),
      status: 1,
      told: [/^FAIL +audit chain +line 5 is no entry$/, /^ok +audit entry /],
    },
    {
      name: 'of another account',
      args: () => {
        writeManifest('elsewhere.wav', (each) => ({ ...each, audit: { ...mark, account_id: 'another' } }), OURS);
        return [at('elsewhere.wav'), ...audit()];
      },
      status: 1,
      told: [CHAIN, /^FAIL +audit entry +the manifest is of another account$/],
    },
    {
      name: 'a mark that is none',
      args: () => {
        writeManifest('odd.wav', (each) => ({ ...each, audit: { entry: 'x' } }), OURS);
        return [at('odd.wav'), ...audit()];
      },
      status: 1,
      told: [CHAIN, /^FAIL +audit entry +what the manifest names is none$/],
    },
    { name: 'not there', args: () => audit('none'), status: 2, told: [] },
    { name: 'a folder', args: () => ['--audit', folder], status: 2, told: [] },
    { name: 'sound', args: () => audit('call.wav'), status: 2, told: [] },
    { name: 'empty', args: () => ['--audit', changed((all) => all.splice(0))], status: 2, told: [] },
    { name: 'without its head', args: () => ['--audit', changed((all) => all.shift())], status: 2, told: [] },
    { name: 'without a name', args: () => ['--audit', ''], status: 2, told: [] },
    { name: 'nothing named', args: () => [], status: 2, told: [] },
    { name: 'too much named', args: () => [at('call.wav'), at('call.wav.json'), 'x', ...audit()], status: 2, told: [] },
  ] satisfies Row[])
    outcome(row);

  for (const [pruned, told] of [
    [3, /^ok +audit entry +entry 5 is the one that the manifest names$/],
    [5, /^ok +audit entry +entry 5 is the one that the manifest names$/],
    [8, /^- +audit entry +entry 5 is older than the audit that is kept, which begins with 9$/],
  ] as const)
    test(`pruned up to ${pruned}, it holds, and of entry 5 tells what it can`, async () => {
      const { text } = await auditOf(OURS, 5, pruned);
      const path = join(scratchDir(), 'audit.jsonl');
      writeFileSync(path, text);
      const { status, stdout, stderr } = await callCommand(['verify', at('marked.wav'), '--audit', path]);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(new RegExp(`^ok +audit chain +entries ${pruned + 1} to 11`, 'm'));
      expect(stdout.split('\n')).toContainEqual(expect.stringMatching(told));
      // The same with its beginning cut off further is found out.
      const all = text.trimEnd().split('\n');
      all.splice(1, 1);
      writeFileSync(path, all.join('\n'));
      const cut = await callCommand(['verify', '--audit', path]);
      expect([cut.status, cut.stdout]).toEqual([1, expect.stringMatching(/^FAIL +audit chain +entry \d+ is missing/m)]);
    });

  test('that is empty holds', async () => {
    const { text } = await auditOf(OURS, 0);
    const path = join(scratchDir(), 'audit.jsonl');
    writeFileSync(path, text);
    const { status, stdout } = await callCommand(['verify', '--audit', path, ...key('ours.pem')]);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^ok +audit chain +no entries$/m)]);
  });

  test('has its entries as they are hashed: a line less its hash is what the hash is of', () => {
    for (const line of lines.slice(1)) {
      const { hash, ...said } = JSON.parse(line) as ChainedEntry;
      expect(hashOf(said)).toBe(hash);
    }
  });
});
