/** A signature holds for what was signed, in whatever order it is written, and for nothing else. */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import { checkSignature, publicKeyDocument, rawPublicKey, signed } from '../../src/finalize/signature.ts';
import { signatureCheck } from '../../src/finalize/signature-check.ts';
import { sampleManifest } from './sample-manifest.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const OTHER = generateKeyPairSync('ed25519').privateKey;

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Path = readonly (string | number)[];

/** As it comes back from a file. */
const reread = (document: object): { [name: string]: Json } => JSON.parse(JSON.stringify(document));

const leaves = (value: Json, path: Path = []): Path[] => {
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Object.entries(value);
  // What is empty can become something.
  return entries.length === 0 ? [path] : entries.flatMap(([name, each]) => leaves(each, [...path, name]));
};

const at = (value: Json, path: Path): Json =>
  path.reduce<Json>((found, name) => (found as Record<string, Json>)[name] as Json, value);

/** A copy that differs in one place. */
const withValue = (document: Json, path: Path, value: Json): { [name: string]: Json } => {
  const copy = structuredClone(document);
  const holder = at(copy, path.slice(0, -1)) as Record<string, Json>;
  holder[path.at(-1)!] = value;
  return copy as { [name: string]: Json };
};

const shuffled = (value: Json, seed: number): Json => {
  if (Array.isArray(value)) return value.map((each) => shuffled(each, seed));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [name, shuffled(each, seed)] as const);
  return Object.fromEntries(entries.sort(([one], [other]) => (hash(one, seed) < hash(other, seed) ? -1 : 1)));
};
const hash = (text: string, seed: number): number =>
  [...text].reduce((sum, char) => Math.imul(sum ^ char.charCodeAt(0), 16_777_619 + 2 * seed), seed) >>> 0;

const others = (value: Json): Json[] =>
  [null, true, false, 0, 1, -1, 'x', '', [], {}, typeof value === 'number' ? value + 1 : `${String(value)} `].filter(
    (other) => canonicalJson(other) !== canonicalJson(value),
  );

const MANIFEST = reread(signed(sampleManifest(), privateKey));

describe('a manifest that is signed', () => {
  test('says by which key, and any program with Ed25519 and RFC 8785 can check it', () => {
    const { signature, ...content } = signed(sampleManifest(), privateKey);
    const { key_id, public_key, pem } = publicKeyDocument(publicKey);
    expect(signature).toEqual({ algorithm: 'Ed25519', key_id, public_key, value: expect.any(String) });
    expect(key_id).toMatch(/^[0-9a-f]{16}$/);
    expect(publicKeyDocument(privateKey)).toEqual({ algorithm: 'Ed25519', key_id, public_key, pem });
    const bytes = Buffer.from(canonicalJson(content));
    expect(verify(null, bytes, createPublicKey(pem), Buffer.from(signature.value, 'base64'))).toBe(true);
    expect(Buffer.from(public_key, 'base64')).toHaveLength(32);
  });

  test('is good, signed twice is the same, and its order of names is nothing', () => {
    expect(checkSignature(MANIFEST)).toMatchObject({ state: 'good', keyId: publicKeyDocument(publicKey).key_id });
    expect(reread(signed(MANIFEST, privateKey))).toEqual(MANIFEST);
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        expect(checkSignature(shuffled(MANIFEST, seed) as object)).toMatchObject({ state: 'good' });
      }),
      { numRuns: 25 },
    );
  });

  for (const path of leaves(MANIFEST)) {
    test(`is not when ${path.join('.')} is another, or gone`, () => {
      for (const other of others(at(MANIFEST, path))) {
        const verdict = checkSignature(withValue(MANIFEST, path, other));
        expect([other, verdict.state]).toEqual([other, 'bad']);
      }
      const holder = path.slice(0, -1);
      const without = structuredClone(at(MANIFEST, holder)) as Record<string, Json>;
      delete without[path.at(-1)!];
      const changed = holder.length === 0 ? without : withValue(MANIFEST, holder, without);
      // A hole in a list becomes null in JSON.
      expect(checkSignature(reread(changed)).state).toBe('bad');
    });
  }

  test('is not when anything is added anywhere, the signature itself included', () => {
    const objects = leaves(MANIFEST).flatMap((path) => path.map((_, length) => path.slice(0, length)));
    const holders = new Set(objects.map((path) => JSON.stringify(path)));
    expect(holders.size).toBeGreaterThan(10);
    for (const text of holders) {
      const path = JSON.parse(text) as Path;
      const holder = at(MANIFEST, path);
      const more = Array.isArray(holder) ? [...holder, 1] : { ...(holder as object), more: 1 };
      const changed = path.length === 0 ? more : withValue(MANIFEST, path, more as Json);
      expect([path, checkSignature(changed as object).state]).toEqual([path, 'bad']);
    }
  });

  test('nor is one in whose place the same bytes are written otherwise', () => {
    const { value, public_key } = MANIFEST.signature as Record<'value' | 'public_key', string>;
    const looser = (text: string): string[] => [` ${text}`, `${text}\n`, text.replace(/=+$/, ''), `${text}=`];
    for (const [name, text] of [
      ['value', value],
      ['public_key', public_key],
    ] as const)
      for (const other of [...looser(text), text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')]) {
        if (other === text) continue;
        expect(checkSignature(withValue(MANIFEST, ['signature', name], other)).state).toBe('bad');
      }
    // The last digit of 64 bytes has four bits that mean nothing.
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const last = digits.indexOf(value.at(-3)!);
    const other = `${value.slice(0, -3)}${digits[last ^ 1]}==`;
    expect(Buffer.from(other, 'base64')).toEqual(Buffer.from(value, 'base64'));
    expect(checkSignature(withValue(MANIFEST, ['signature', 'value'], other)).state).toBe('bad');
  });

  test("is not by another's signature, nor by another's key beside it", () => {
    const theirs = reread(signed(sampleManifest(), OTHER)).signature as { [name: string]: Json };
    const ours = MANIFEST.signature as { [name: string]: Json };
    expect(checkSignature({ ...MANIFEST, signature: theirs }).state).toBe('good');
    for (const mixed of [
      { ...ours, value: theirs.value! },
      { ...ours, public_key: theirs.public_key! },
      { ...ours, public_key: theirs.public_key!, key_id: theirs.key_id! },
    ])
      expect(checkSignature({ ...MANIFEST, signature: mixed }).state).toBe('bad');
  });

  for (const signature of [undefined, null])
    test(`is none with ${signature} in its place`, () =>
      expect(checkSignature({ ...MANIFEST, signature })).toEqual({ state: 'unsigned' }));
});

describe('whatever JSON there is', () => {
  test('holds when it is signed, and no more when one leaf of it is changed', () => {
    const document = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(document, fc.nat(), fc.nat(), (given, which, what) => {
        const whole = reread(signed({ ...given, always: 1 }, privateKey));
        expect(checkSignature(whole).state).toBe('good');
        const paths = leaves(whole);
        const path = paths[which % paths.length]!;
        const replacements = others(at(whole, path));
        const changed = withValue(whole, path, replacements[what % replacements.length]!);
        expect(checkSignature(changed).state).toBe(canonicalJson(changed) === canonicalJson(whole) ? 'good' : 'bad');
      }),
    );
  });

  test('anything in the place of a signature is bad, and nothing throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (signature) => {
        const { state } = checkSignature({ a: 1, signature });
        expect(state).toBe(signature === null ? 'unsigned' : 'bad');
      }),
    );
  });

  test('nested too deep is bad', () => {
    let deep: Json = 1;
    for (let n = 0; n < 200_000; n++) deep = [deep];
    const { signature } = MANIFEST;
    expect(checkSignature({ deep, signature }).state).toBe('bad');
  });
});

test('a raw key is taken for one as it is written, and not otherwise', () => {
  const { public_key } = publicKeyDocument(publicKey);
  expect(rawPublicKey(public_key)?.equals(publicKey)).toBe(true);
  for (const text of ['', 'AAAA', `${public_key} `, public_key.slice(0, -1), Buffer.alloc(33).toString('base64')])
    expect(rawPublicKey(text)).toBeUndefined();
});

describe('as a check', () => {
  const ours = publicKeyDocument(publicKey).public_key;
  const theirs = publicKeyDocument(OTHER).public_key;
  const { signature: _, ...bare } = MANIFEST;
  for (const { name, document, trusted, ok, unproven } of [
    { name: 'not signed, nobody trusted', document: bare, trusted: [], ok: true, unproven: true },
    { name: 'not signed, somebody trusted', document: bare, trusted: [ours], ok: false },
    { name: 'signed, nobody trusted', document: MANIFEST, trusted: [], ok: true },
    { name: 'signed by whom is trusted', document: MANIFEST, trusted: [ours], ok: true },
    { name: 'signed by one of those that are trusted', document: MANIFEST, trusted: [theirs, ours], ok: true },
    { name: 'signed by somebody else', document: MANIFEST, trusted: [theirs], ok: false },
    { name: 'changed, nobody trusted', document: { ...MANIFEST, version: 2 }, trusted: [], ok: false },
    { name: 'changed, signed by whom is trusted', document: { ...MANIFEST, version: 2 }, trusted: [ours], ok: false },
  ])
    test(name, () =>
      expect(signatureCheck('signature', document, trusted)).toEqual({
        name: 'signature',
        ok,
        detail: expect.any(String),
        ...(unproven === true ? { unproven } : {}),
      }),
    );
});
