/** Captures that are not whole, or in a codec that needs help: read as far as they go, and what could not be read is said. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DEFAULT_START_US } from '../support/call-scenario.ts';
import {
  expectNoTrace,
  expectOneLine,
  filesIn,
  listenTo,
  readManifest,
  runCommand,
  runReplay,
} from '../support/command.ts';
import { hasProgram } from '../support/has.ts';
import { g729, PACKETS, randomBytes, snapped, whole } from '../support/odd-captures.ts';
import { pcapFile, udpPacket } from '../support/pcap-file.ts';
import { RtpStream } from '../support/rtp-stream.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { sipDialog } from '../support/sip-dialog.ts';
import { CALLEE_HZ, CALLER_HZ, SMALL_CALL_MS } from '../support/small-call.ts';
import { levelOf, seeded } from '../support/tones.ts';

const folder = sharedScratchDir();

const write = (name: string, bytes: Buffer | string): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

describe('what is not whole is read as far as it is: exit status 0', () => {
  const cutAt = Math.floor(whole.length / 2) + 13;
  for (const { name, bytes, warning, shorter } of [
    { name: 'gzip', bytes: () => gzipSync(whole), warning: undefined, shorter: false },
    {
      name: 'gzip in several members',
      bytes: () => Buffer.concat([gzipSync(whole.subarray(0, cutAt)), gzipSync(whole.subarray(cutAt))]),
      warning: undefined,
      shorter: false,
    },
    {
      name: 'gzip that ends early',
      bytes: () => gzipSync(whole).subarray(0, -1500),
      warning: /whole packets read: \d+; the gzip data ends early, at byte \d+/,
      shorter: true,
    },
    {
      name: 'a capture cut in mid packet',
      bytes: () => whole.subarray(0, cutAt),
      warning: /whole packets read: \d+; the file ends inside a record at byte \d+/,
      shorter: true,
    },
    {
      name: 'random bytes behind the last packet',
      bytes: () => Buffer.concat([whole, Buffer.alloc(64, 0xff)]),
      warning: /whole packets read: \d+/,
      shorter: false,
    },
    {
      name: 'some packets cut by the snaplen',
      bytes: () => snapped(20),
      warning: /cut by the capture's snaplen/,
      shorter: false,
    },
  ]) {
    test(name, async () => {
      const path = write('not-whole.pcap', bytes());
      const out = scratchDir();
      const { documents, stderr } = await runReplay([path, '--out', out, '--data', '{"format":"wav"}']);
      if (warning === undefined) expect(stderr).toBe('');
      else {
        expect(stderr).toMatch(warning);
        for (const line of stderr.trimEnd().split('\n')) expect(line).toMatch(/^warning: not-whole\.pcap: /);
      }
      expect(documents).toHaveLength(1);
      const { duration_ms, media_name, path: made } = documents[0];
      if (shorter) {
        expect(duration_ms).toBeLessThan(SMALL_CALL_MS);
        expect(duration_ms).toBeGreaterThan(1500);
      } else expect(duration_ms).toBe(SMALL_CALL_MS);
      const { channels } = await listenTo(made!);
      // Between two packets that the snaplen cut there are nine of each leg.
      expect(levelOf(channels[0], 8000, CALLER_HZ, 220, 280)).toBeGreaterThan(-14);
      expect(levelOf(channels[1], 8000, CALLEE_HZ, 220, 280)).toBeGreaterThan(-14);
      expect(filesIn(out)).toEqual([media_name, `${media_name}.json`]);
    });
  }

  test('packets that the snaplen cut are counted as unusable and are silence, not noise', async () => {
    const path = write('snapped.pcap', snapped(10));
    const { documents } = await runReplay([path, '--out', scratchDir(), '--data', '{"format":"wav"}']);
    const { legs } = readManifest(documents[0]);
    expect(legs.a.packets.unusable + legs.b.packets.unusable).toBeGreaterThanOrEqual(SMALL_CALL_MS / 20 / 10);
  });

  test('a stream in the clear beside one that is encrypted: the one is recorded, the other is named', async () => {
    const secret = new RtpStream({ ssrc: 7, payloadType: 0, startUs: DEFAULT_START_US })
      .audio(...Array.from({ length: PACKETS }, () => randomBytes(170)))
      .packets();
    const encrypted = secret.map(({ atUs, data }) => ({
      atUs,
      data: udpPacket({
        source: '198.51.100.1',
        sourcePort: 6000,
        target: '198.51.100.2',
        targetPort: 6000,
        payload: data,
      }),
    }));
    const plain = pcapFile([]).length;
    const beside = pcapFile(encrypted).subarray(plain);
    const { documents, stderr } = await runReplay([
      write('beside.pcap', Buffer.concat([whole, beside])),
      '--out',
      scratchDir(),
    ]);
    expect(documents).toHaveLength(1);
    expect(stderr).toMatch(
      /^left out: beside\.pcap: SRTP 198\.51\.100\.1:6000>198\.51\.100\.2:6000 \(200 packets\): encrypted/m,
    );
  });
});

test('what a capture says of itself reaches the terminal without its control characters', async () => {
  const peer = { user: 'x', name: 'X', host: '198.51.100.7', rtpPort: 7000 };
  const dialog = {
    callId: 'evil\u001b[31m\u0007@x',
    caller: peer,
    callee: { ...peer, host: '198.51.100.8' },
    codecs: new Map([[0, 'PCMU/8000']]),
    ptimeMs: 20,
    hangsUp: 'caller',
  } as const;
  const at = DEFAULT_START_US;
  const signals = sipDialog(dialog, { inviteUs: at, ringingUs: at + 1, answerUs: at + 2, byeUs: at + 1e6 }).map(
    ({ atUs, from, text }) => ({
      atUs,
      data: udpPacket({
        source: from === 'caller' ? '198.51.100.7' : '198.51.100.8',
        sourcePort: 5060,
        target: from === 'caller' ? '198.51.100.8' : '198.51.100.7',
        targetPort: 5060,
        payload: Buffer.from(text),
      }),
    }),
  );
  const bytes = Buffer.concat([whole, pcapFile(signals).subarray(pcapFile([]).length)]);
  const { status, stdout, stderr } = await runCommand(['replay', write('evil.pcap', bytes), '--out', scratchDir()]);
  expect(status).toBe(0);
  expect(stderr).toMatch(/^left out: evil\.pcap: SIP calls: 1 evil/m);
  for (const text of [stdout, stderr]) expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
});

describe('a codec that is not decoded here', () => {
  test('without ffmpeg: exit status 1; the line names the codec and both ways out; nothing is left', async () => {
    const out = scratchDir();
    const { documents, stderr } = await runReplay([write('g729.pcap', g729()), '--out', out], {
      status: 1,
      env: { PATH: '', FFMPEG_PATH: undefined },
    });
    expectOneLine(stderr);
    expect(stderr).toMatch(
      /G729.*install ffmpeg, or name it in FFMPEG_PATH; or forward the call as PCMU, PCMA, L16, G722 or opus/,
    );
    expect(documents[0]).toMatchObject({ state: 'failed', path: null });
    expect(filesIn(out)).toEqual([]);
  });

  test('with an FFMPEG_PATH that names no program, that is what it says', async () => {
    const { stderr } = await runReplay([write('g729.pcap', g729()), '--out', scratchDir()], {
      status: 1,
      env: { FFMPEG_PATH: '/nowhere/ffmpeg' },
    });
    expectOneLine(stderr);
    expect(stderr).toMatch(/FFMPEG_PATH names \/nowhere\/ffmpeg, which is no executable file/);
  });

  test.skipIf(!hasProgram('ffmpeg'))('with ffmpeg it is recorded, and the PCM that waited is gone', async () => {
    const out = scratchDir();
    const { documents, stderr } = await runReplay([
      write('g729.pcap', g729()),
      '--out',
      out,
      '--mask',
      '1-2',
      '--data',
      '{"format":"wav"}',
    ]);
    expect(stderr).toBe('');
    expect(documents[0]).toMatchObject({ state: 'stored', duration_ms: PACKETS * 20 });
    expect(readManifest(documents[0]).legs.a.codecs).toEqual(['G729/8000']);
    expect(filesIn(out)).toHaveLength(2);
    const { channels } = await listenTo(documents[0].path!);
    expect(channels[0].subarray(8000, 16_000).every((sample) => sample === 0)).toBe(true);
  });

  test('the rest of the machine needs neither ffmpeg nor the native kernel: mp3 is made by lamejs', async () => {
    const { documents } = await runReplay([write('whole.pcap', whole), '--out', scratchDir()], {
      env: { PATH: '', FFMPEG_PATH: undefined, RECORD_CALL_NATIVE: 'off' },
    });
    expect(readManifest(documents[0]).artefact.encoder).toMatch(/^lamejs/);
  });

  test('RECORD_CALL_MP3_ENCODER=ffmpeg without ffmpeg is a failure, not lamejs after all', async () => {
    const env = { PATH: '', FFMPEG_PATH: undefined, RECORD_CALL_MP3_ENCODER: 'ffmpeg' };
    const { documents, stderr } = await runReplay([write('whole.pcap', whole), '--out', scratchDir()], {
      status: 1,
      env,
    });
    expectOneLine(stderr);
    expect(documents[0].error).toMatchObject({ code: 'FFMPEG_MISSING' });
  });
});

test('bytes that were changed anywhere in a capture never bring it down', async () => {
  const out = scratchDir();
  const change = seeded(11);
  // A process for each would take minutes: all of them are captures of one run. Their first 24 bytes are whole, so each is a capture.
  const paths = Array.from({ length: 8 }, (_, n) => {
    const bytes = Buffer.from(whole);
    for (let count = 0; count < 40; count++)
      bytes[24 + Math.floor(change() * (bytes.length - 24))] = Math.floor(change() * 256);
    return write(`changed-${n}.pcap`, bytes);
  });
  const { status, stderr } = await runCommand(['replay', ...paths, '--out', out, '--data', '{"format":"wav"}'], {
    timeoutMs: 50_000,
  });
  expect([0, 1]).toContain(status);
  expectNoTrace(stderr);
  expect(filesIn(out).filter((name) => name.startsWith('.'))).toEqual([]);
});
