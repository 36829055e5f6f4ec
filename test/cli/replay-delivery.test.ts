/** `--url` and a `url` in the fields: what arrives, what is refused and when, what is told of it (design §6.6, §6.7). */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startUploadTarget } from '../../src/http/upload-target.ts';
import { answer, ScriptedTarget, type Step } from '../deliver/scripted-target.ts';
import { callCommand, expectNoTrace, expectOneLine, filesIn, runCommand, runReplay } from '../support/command.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { SMALL_CALL_MS, writeSmallCall } from '../support/small-call.ts';

const folder = sharedScratchDir();
const capture = writeSmallCall(folder);
const GREGORIAN_EPOCH_SECONDS = 62_167_219_200;

const uploadTarget = async (fail: readonly string[] = []) => {
  const directory = scratchDir();
  const target = await startUploadTarget({ port: 0, directory, fail });
  onTestFinished(() => target.close());
  return { directory, url: `${target.url}/` };
};

const scripted = async (...steps: Step[]): Promise<ScriptedTarget> => {
  const target = await ScriptedTarget.start(...steps);
  onTestFinished(() => target.close());
  return target;
};

describe('to the upload target', () => {
  for (const format of ['mp3', 'wav'] as const) {
    test(`what arrives is the ${format}, byte for byte, and the document says delivered`, async () => {
      const { directory, url } = await uploadTarget();
      const out = scratchDir();
      const { documents, stderr } = await runReplay([
        capture,
        '--out',
        out,
        '--url',
        url,
        '--data',
        JSON.stringify({ format }),
      ]);
      expect(stderr).toBe('');
      expect(filesIn(directory)).toEqual([`call_recording_scenario-1@192.0.2.11.${format}`]);
      const arrived = readFileSync(join(directory, filesIn(directory)[0]));
      expect(arrived.equals(readFileSync(documents[0].path!))).toBe(true);
      expect(createHash('sha256').update(arrived).digest('hex')).toBe(documents[0].sha256);
      expect(documents[0]).toMatchObject({
        state: 'delivered',
        error: null,
        delivery: { tries: 1, status: 201, host: new URL(url).host },
      });
    });
  }

  test('503 first: it is tried again, says so, and is delivered', async () => {
    const { directory, url } = await uploadTarget(['503']);
    const { documents, stderr } = await runReplay([capture, '--out', scratchDir(), '--url', url]);
    expect(documents[0]).toMatchObject({ state: 'delivered', error: null, delivery: { tries: 2, status: 201 } });
    expect(stderr).toMatch(/^delivery: 127\.0\.0\.1:\d+ answered 503; next try in [01]\.\d s\n$/);
    expect(readFileSync(join(directory, filesIn(directory)[0])).equals(readFileSync(documents[0].path!))).toBe(true);
  });

  test('a connection that breaks in mid body is tried again', async () => {
    const { directory, url } = await uploadTarget(['reset']);
    const { documents } = await runReplay([capture, '--out', scratchDir(), '--url', url]);
    expect(documents[0]).toMatchObject({ state: 'delivered', delivery: { tries: 2 } });
    expect(filesIn(directory)).toHaveLength(1);
  });

  for (const status of [403, 404]) {
    test(`${status}: no second try, state failed, exit status 1, one line; the file is kept`, async () => {
      const { directory, url } = await uploadTarget([String(status)]);
      const out = scratchDir();
      const { documents, stderr } = await runReplay([capture, '--out', out, '--url', url], { status: 1 });
      expect(documents[0]).toMatchObject({
        state: 'failed',
        delivery: { tries: 1, status },
        error: { code: 'TARGET_REJECTED' },
      });
      const name = documents[0].media_name;
      expect(stderr).toBe(
        `record-call: TARGET_REJECTED: 1 recorded, its delivery failed: kept at ${join(out, name)} (127.0.0.1:${new URL(url).port} answered ${status})\n`,
      );
      expect(documents[0].path).toBe(join(out, name));
      expect(filesIn(out)).toEqual([name, `${name}.json`]);
      expect(filesIn(directory)).toEqual([]);
    });
  }

  test('of several recordings those that were not delivered are named', async () => {
    const { url } = await uploadTarget(['404', '404']);
    const out = scratchDir();
    const data = '{"format":"wav","media_name":"call.wav"}';
    const args = [capture, capture, capture, '--out', out, '--url', url, '--data', data];
    const { documents, stderr } = await runReplay(args, { status: 1 });
    const kept = documents.filter(({ state }) => state === 'failed').map(({ path }) => path);
    expect(kept).toHaveLength(2);
    expectOneLine(stderr);
    expect(stderr).toContain(`: 3 recorded, 2 deliveries failed: kept at ${kept.join(', ')} (`);
  });

  test('without --json the failure is on standard output too, and that the file is kept', async () => {
    const { url } = await uploadTarget(['404']);
    const { status, stdout, stderr } = await runCommand(['replay', capture, '--out', scratchDir(), '--url', url]);
    expect(status).toBe(1);
    expectOneLine(stderr);
    expect(stdout).toMatch(/not delivered to 127\.0\.0\.1:\d+ after 1 try: .*404; the file is kept/);
  });
});

describe('the request', () => {
  test('has Kazoo’s URL and query, and the headers of design §6.6', async () => {
    const target = await scripted(answer(200));
    const { documents } = await runReplay([capture, '--out', scratchDir(), '--url', `${target.url}/in/box`]);
    const [{ id, sha256, started_at }] = documents;
    expect(target.seen).toHaveLength(1);
    const { method, url, headers, body } = target.seen[0];
    expect(method).toBe('PUT');
    const { pathname, searchParams } = new URL(url, target.url);
    expect(pathname).toBe('/in/box/call_recording_scenario-1%40192.0.2.11.mp3');
    expect(Object.fromEntries(searchParams)).toMatchObject({
      from: 'alice@example.com',
      to: 'bob@example.com',
      caller_id_name: 'Alice',
      caller_id_number: '',
      call_id: 'scenario-1@192.0.2.11',
      cdr_id: '202601-scenario-1@192.0.2.11',
      recording_id: id,
      duration_ms: String(SMALL_CALL_MS),
      start: String(Math.floor(Date.parse(started_at) / 1000) + GREGORIAN_EPOCH_SECONDS),
    });
    const digest = Buffer.from(sha256!, 'hex').toString('base64');
    expect(headers).toMatchObject({
      'content-type': 'audio/mpeg',
      'content-length': String(body.length),
      'content-digest': `sha-256=:${digest}:`,
      'idempotency-key': id,
      'x-recording-id': id,
    });
    expect(headers).not.toHaveProperty('transfer-encoding');
    expect(createHash('sha256').update(body).digest('hex')).toBe(sha256);
  });

  test('is a POST of a wav when the fields say so', async () => {
    const target = await scripted(answer(204));
    await runReplay([
      capture,
      '--out',
      scratchDir(),
      '--url',
      target.url,
      '--data',
      '{"method":"post","format":"wav"}',
    ]);
    expect(target.seen).toHaveLength(1);
    expect(target.seen[0]).toMatchObject({ method: 'POST', headers: { 'content-type': 'audio/wav' } });
    expect(target.seen[0].url).toMatch(/^\/call_recording_scenario-1%40192\.0\.2\.11\.wav\?/);
  });

  test('repeats the same key and body when it is tried again', async () => {
    const target = await scripted(answer(500), answer(200));
    await runReplay([capture, '--out', scratchDir(), '--url', target.url]);
    const [one, two] = target.seen;
    expect(two.url).toBe(one.url);
    expect(two.headers['idempotency-key']).toBe(one.headers['idempotency-key']);
    expect(two.body.equals(one.body)).toBe(true);
  });
});

describe('secrets of the URL', () => {
  test('reach the target and nobody else', async () => {
    const target = await scripted(answer(403, {}, 'what the target writes'));
    const out = scratchDir();
    const url = `http://name:pa55word@127.0.0.1:${target.port}/secretpath?token=s3cret`;
    const { stdout, stderr } = await runCommand(['replay', capture, '--out', out, '--url', url, '--json']);
    expect(target.seen[0].url).toContain('token=s3cret');
    expect(target.seen[0].headers.authorization).toBe(`Basic ${Buffer.from('name:pa55word').toString('base64')}`);
    const files = filesIn(out).map((name) => readFileSync(join(out, name), 'latin1'));
    for (const text of [stdout, stderr, ...files])
      expect(text).not.toMatch(/pa55word|s3cret|secretpath|what the target writes/);
  });
});

describe('a url in the fields', () => {
  const refused = [
    'http://127.0.0.1/',
    'http://127.0.0.1:8077/up?x=1',
    'http://localhost/',
    'http://[::1]/',
    'http://10.1.2.3/',
    'http://192.168.0.9/',
    'http://169.254.169.254/latest',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://[::ffff:127.0.0.1]/',
  ];
  for (const url of refused) {
    test(`${url} is refused before anything is recorded`, async () => {
      const out = join(scratchDir(), 'out');
      const { status, stdout, stderr } = await callCommand([
        'replay',
        capture,
        '--out',
        out,
        '--data',
        JSON.stringify({ url }),
      ]);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expectOneLine(stderr);
      expect(stderr).toMatch(/is not at a public address, and RECORD_CALL_ALLOW_TARGETS does not allow it/);
      expect(existsSync(out)).toBe(false);
    });
  }

  test('in a metaflow is refused as early', async () => {
    const metaflows = join(folder, 'url.json');
    const node = { module: 'record_call', data: { action: 'start', url: 'http://127.0.0.1/' } };
    writeFileSync(
      metaflows,
      JSON.stringify({
        patterns: { '^(7)$': { module: 'record_call', data: { action: 'mask' }, children: { _: node } } },
      }),
    );
    const out = join(scratchDir(), 'out');
    const { status, stderr } = await callCommand(['replay', capture, '--out', out, '--metaflows', metaflows]);
    expect(status).toBe(2);
    expectOneLine(stderr);
    expect(stderr).toContain('RECORD_CALL_ALLOW_TARGETS');
    expect(existsSync(out)).toBe(false);
  });

  for (const allow of ['127.0.0.1', 'uploads.internal, 127.0.0.0/8']) {
    test(`is dialled when RECORD_CALL_ALLOW_TARGETS is ${allow}`, async () => {
      const { directory, url } = await uploadTarget();
      const env = { RECORD_CALL_ALLOW_TARGETS: allow };
      const { documents } = await runReplay([capture, '--out', scratchDir(), '--data', JSON.stringify({ url })], {
        env,
      });
      expect(documents[0].state).toBe('delivered');
      expect(filesIn(directory)).toHaveLength(1);
    });
  }

  test('gives way to --url, which is the operator’s word and is not judged', async () => {
    const { directory, url } = await uploadTarget();
    const { documents } = await runReplay([
      capture,
      '--out',
      scratchDir(),
      '--url',
      url,
      '--data',
      '{"url":"http://10.0.0.1/"}',
    ]);
    expect(documents[0].state).toBe('delivered');
    expect(filesIn(directory)).toHaveLength(1);
  });

  test('a redirect from an allowed target to one that is not is not followed', async () => {
    const inner = await scripted(answer(200));
    const target = await scripted(answer(307, { Location: `http://127.0.0.2:${inner.port}/` }));
    const env = { RECORD_CALL_ALLOW_TARGETS: '127.0.0.1' };
    const data = JSON.stringify({ url: target.url });
    const { documents, stderr } = await runReplay([capture, '--out', scratchDir(), '--data', data], { env, status: 1 });
    expect(documents[0]).toMatchObject({ state: 'failed', error: { code: 'TARGET_FORBIDDEN' } });
    expectOneLine(stderr);
    expect(inner.seen).toEqual([]);
  });
});

describe('a --url that is none', () => {
  for (const { url, want } of [
    { url: 'ftp://example.com/', want: /scheme is ftp/ },
    { url: 'file:///etc/passwd', want: /scheme is file/ },
    { url: 'nonsense', want: /not a valid URL/ },
    { url: 'http://', want: /not a valid URL/ },
    { url: 'http://u:hush@[::1', want: /not a valid URL/ },
    { url: '', want: /--url is given an empty value/ },
  ]) {
    test(`"${url}" is wrong usage`, async () => {
      const out = join(scratchDir(), 'out');
      const { status, stderr } = await callCommand(['replay', capture, '--out', out, '--url', url]);
      expect(status).toBe(2);
      expectOneLine(stderr);
      expect(stderr).toMatch(want);
      expect(stderr).not.toContain('hush');
      expectNoTrace(stderr);
      expect(existsSync(out)).toBe(false);
    });
  }
});
