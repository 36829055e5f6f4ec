/** Targets with TLS: nothing is sent to one whose certificate is not to be trusted, and why is said. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasProgram } from '../support/has.ts';
import { sharedScratchDir } from '../support/scratch.ts';

const CHILD = join(import.meta.dirname, 'tls-try.ts');
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

type Case = {
  readonly name: string;
  readonly days: number;
  readonly host: string;
  readonly isSelfSigned?: boolean;
  readonly want: RegExp | 'taken';
};

const CASES: readonly Case[] = [
  { name: 'in order', days: 30, host: 'right.example', want: 'taken' },
  {
    name: 'for another name',
    days: 30,
    host: 'wrong.example',
    want: /is for another name \(ERR_TLS_CERT_ALTNAME_INVALID/,
  },
  { name: 'that has expired', days: -1, host: 'right.example', want: /has expired \(CERT_HAS_EXPIRED\)/ },
  { name: 'signed by itself', days: 30, host: 'right.example', isSelfSigned: true, want: /is signed by itself/ },
];

describe.skipIf(!hasProgram('openssl'))('a target whose certificate is', () => {
  const folder = sharedScratchDir();
  const at = (name: string): string => join(folder, name);
  const openssl = (...words: string[]): void => void execFileSync('openssl', words, { stdio: 'ignore' });
  const servers: { readonly url: string; readonly taken: string[]; close(): void }[] = [];
  let outcomes: { kind: string; code?: string; message?: string; retryable?: boolean }[] = [];

  const serve = async ({ host, days, isSelfSigned = false }: Case, name: string): Promise<(typeof servers)[0]> => {
    writeFileSync(at('san'), 'subjectAltName=DNS:right.example');
    openssl('req', '-new', ...KEY, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', '/CN=leaf');
    const signer = isSelfSigned
      ? ['-key', at(`${name}.key`)]
      : ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
    const sign = ['x509', '-req', '-in', at(`${name}.csr`), ...signer, '-days', `${days}`, '-extfile', at('san')];
    openssl(...sign, '-out', at(`${name}.pem`));
    const taken: string[] = [];
    const credentials = { key: readFileSync(at(`${name}.key`)), cert: readFileSync(at(`${name}.pem`)) };
    const server = createServer(credentials, async (request, response) => {
      taken.push(String(await buffer(request)));
      response.writeHead(200).end();
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `https://${host}:${(server.address() as AddressInfo).port}/in`, taken, close: () => server.close() };
  };

  beforeAll(async () => {
    openssl(
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      at('ca.key'),
      '-out',
      at('ca.pem'),
      '-subj',
      '/CN=Test CA',
      '-days',
      '30',
    );
    for (const [index, each] of CASES.entries()) servers.push(await serve(each, `leaf-${index}`));
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, ...servers.map(({ url }) => url)], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: at('ca.pem') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    outcomes = (await text(child.stdout))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }, 60_000);
  afterAll(() => {
    for (const server of servers) server.close();
  });

  for (const [index, { name, want }] of CASES.entries())
    test(`${name}: ${want === 'taken' ? 'it gets the file' : 'it gets nothing, and that is said'}`, () => {
      const { kind, code, message, retryable } = outcomes[index]!;
      expect(servers[index]!.taken).toEqual(want === 'taken' ? ['audio'] : []);
      if (want === 'taken') expect(kind).toBe('taken');
      else expect([code, message, retryable]).toEqual(['TARGET_UNTRUSTED', expect.stringMatching(want), true]);
    });
});
