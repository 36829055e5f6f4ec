/**
 * Whatever a test run has said is searched for secrets in its end (`said-reporter.ts`): what commands and services that tests start write, at
 * level debug and below, gathers in a folder, and beside it the keys and tokens that were in use. Nothing is gathered where no run asks for it.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CARD_DIGITS, SECRET } from './live-call.ts';

/** The folder's name is inherited by the processes that run tests. */
export const SAID_FOLDER = 'TEST_SAID_FOLDER';

const SECRETS = '.secret';
const own = `${process.pid}-${randomUUID()}`;

const append = (name: string, text: string): void => {
  const folder = process.env[SAID_FOLDER];
  if (folder !== undefined && text !== '') appendFileSync(join(folder, name), text);
};

/** @param who said it, for the report. */
export const noteSaid = (who: string, text: string): void => append(`${own}.said`, `── ${who}\n${text}\n`);

/** A key or a token in use: from now on nothing may say it. */
export const noteSecret = (secret: string): void => append(`${own}${SECRETS}`, `${secret}\n`);

export type Needle = { readonly name: string; readonly text: string };

/** Bytes as logs would have them. Base64 of bytes in the middle of others depends on where they begin: what holds for all three is looked for. */
const inEveryForm = (name: string, bytes: Buffer): Needle[] => [
  { name: `${name} as they are`, text: bytes.toString('latin1') },
  { name: `${name} in hex`, text: bytes.toString('hex') },
  { name: `${name} as numbers`, text: [...bytes.subarray(0, 8)].join(',') },
  ...[0, 1, 2].map((shift) => ({
    name: `${name} in base64`,
    text: bytes.subarray(shift, shift + Math.floor((bytes.length - shift) / 3) * 3).toString('base64'),
  })),
];

export const FIXED_NEEDLES: readonly Needle[] = [
  { name: 'digits that were typed', text: CARD_DIGITS },
  ...inEveryForm('bytes of masked audio', SECRET),
];

/** Shapes that only a secret has. */
const SHAPES: readonly { readonly name: string; readonly shape: RegExp }[] = [
  { name: 'an API key', shape: /api_key["']?\s*[:=]\s*["']?[\w-]{20}/i },
  { name: 'a token', shape: /(auth[_-]token["']?\s*[:=]\s*["']?|bearer\s+)[\w.-]{20}/i },
  { name: 'a private key', shape: /-----BEGIN [A-Z ]*PRIVATE KEY/ },
];

/** What is said that may not be: the kind, who said it, and what came before it in the line. */
export const secretsIn = (text: string, needles: readonly Needle[]): string[] => {
  const lower = text.toLowerCase();
  const found: string[] = [];
  const tell = (name: string, at: number): void => {
    const who = text.slice(text.lastIndexOf('── ', at)).split('\n', 1)[0];
    const before = text.slice(text.lastIndexOf('\n', at) + 1, at).slice(-80);
    found.push(`${name}, ${who}: ${before}…`);
  };
  for (const { name, text: needle } of needles) {
    const at = name.endsWith('hex') ? lower.indexOf(needle) : text.indexOf(needle);
    if (at !== -1) tell(name, at);
  }
  for (const { name, shape } of SHAPES) {
    const match = shape.exec(text);
    if (match !== null) tell(name, match.index);
  }
  return found;
};

/** Searches all that was gathered in a folder. */
export const secretsSaid = (folder: string): { readonly found: readonly string[]; readonly bytes: number } => {
  const names = readdirSync(folder);
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const secrets = names.filter((name) => name.endsWith(SECRETS)).flatMap((name) => read(name).split('\n'));
  const needles = [
    ...FIXED_NEEDLES,
    ...[...new Set(secrets)]
      .filter(({ length }) => length >= 16)
      .map((text) => ({ name: 'a key or token in use', text })),
  ];
  let bytes = 0;
  const found = names
    .filter((name) => !name.endsWith(SECRETS))
    .flatMap((name) => {
      const text = read(name);
      bytes += text.length;
      return secretsIn(text, needles);
    });
  return { found: [...new Set(found)], bytes };
};
