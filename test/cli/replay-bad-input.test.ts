/** Captures that are none, or hold nothing for us: one clear line, the right exit status, nothing left behind. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DEFAULT_START_US } from '../support/call-scenario.ts';
import { expectNoTrace, expectOneLine, filesIn, runCommand } from '../support/command.ts';
import { mirrored, PACKETS, randomBytes, snapped, whole } from '../support/odd-captures.ts';
import { pcapFile, udpPacket } from '../support/pcap-file.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';

const folder = sharedScratchDir();

const write = (name: string, bytes: Buffer | string): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

describe('what is no capture: exit status 2, one line that names the file and what it is', () => {
  for (const { name, make, want } of [
    { name: 'missing.pcap', make: () => join(folder, 'missing.pcap'), want: /there is no such file; check the name/ },
    {
      name: 'folder.d',
      make: () => {
        mkdirSync(join(folder, 'folder.d'), { recursive: true });
        return join(folder, 'folder.d');
      },
      want: /this is a folder; name a capture file in it/,
    },
    { name: 'empty.pcap', make: () => write('empty.pcap', ''), want: /the file is empty/ },
    { name: 'empty.gz', make: () => write('empty.gz', gzipSync('')), want: /holds nothing/ },
    {
      name: 'random.pcap',
      make: () => write('random.pcap', Buffer.concat([Buffer.of(0x17), randomBytes(5000)])),
      want: /no pcap or pcapng capture/,
    },
    {
      name: 'text.txt',
      make: () => write('text.txt', 'Dear all,\nthis is a letter.\n'.repeat(50)),
      want: /no pcap or pcapng capture/,
    },
    { name: 'one-byte', make: () => write('one-byte', 'x'), want: /one-byte: / },
    {
      name: 'half-header.pcap',
      make: () => write('half-header.pcap', whole.subarray(0, 10)),
      want: /ends inside its file header/,
    },
    {
      name: 'call.zip',
      make: () => write('call.zip', Buffer.from('504b030414000000', 'hex')),
      want: /zip archive; unpack it first/,
    },
    {
      name: 'call.wav',
      make: () => write('call.wav', Buffer.from('RIFF....WAVEfmt ')),
      want: /a WAV or AVI file, not a capture/,
    },
    { name: 'two.gz.gz', make: () => write('two.gz.gz', gzipSync(gzipSync(whole))), want: /gzip data inside gzip/ },
    {
      name: 'cut-at-once.gz',
      make: () => write('cut-at-once.gz', gzipSync(whole).subarray(0, 12)),
      want: /before any packet/,
    },
    { name: 'null', make: () => '/dev/null', want: /no regular file/ },
  ]) {
    test(name, async () => {
      const path = make();
      const out = scratchDir();
      const { status, stdout, stderr } = await runCommand(['replay', path, '--out', out]);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expectOneLine(stderr);
      expect(stderr).toContain(path);
      expect(stderr).toMatch(want);
      expect(filesIn(out)).toEqual([]);
    });
  }

  test('a name with a line end or an escape in it is told in one line all the same', async () => {
    const { status, stderr } = await runCommand([
      'replay',
      join(folder, 'two\nlines\u001b[31m.pcap'),
      '--out',
      scratchDir(),
    ]);
    expect(status).toBe(2);
    expectOneLine(stderr);
    expect(stderr.slice(0, -1)).not.toMatch(/\p{Cc}/u);
  });
});

describe('what holds nothing to record: exit status 3, one line that says what it holds instead', () => {
  for (const { name, bytes, want } of [
    { name: 'a header alone', bytes: () => whole.subarray(0, 24), want: /no whole packet in it/ },
    { name: 'a header and half a packet', bytes: () => whole.subarray(0, 50), want: /no whole packet in it/ },
    { name: 'every packet cut by the snaplen', bytes: () => snapped(1), want: /snaplen/ },
    {
      name: 'telephone-events alone',
      bytes: () =>
        mirrored(0, (stream) => [...'*71*72'].map((digit) => stream.digit(digit, { durationMs: 120 }).pause(100))),
      want: /telephone-events only/,
    },
    {
      name: 'SRTP',
      bytes: () => mirrored(0, (stream) => stream.audio(...Array.from({ length: PACKETS }, () => randomBytes(170)))),
      want: /left out SRTP \(encrypted/,
    },
    {
      name: 'packets that are no RTP',
      bytes: () =>
        pcapFile(
          Array.from({ length: 100 }, (_, n) => ({
            atUs: DEFAULT_START_US + n * 20_000,
            data: udpPacket({
              source: '192.0.2.1',
              sourcePort: 53,
              target: '192.0.2.2',
              targetPort: 4000,
              payload: Buffer.from(`text ${n}`),
            }),
          })),
        ),
      want: /no RTP in it/,
    },
  ]) {
    test(name, async () => {
      const path = write('nothing.pcap', bytes());
      const out = scratchDir();
      const { status, stdout, stderr } = await runCommand(['replay', path, '--out', out]);
      expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
      // Warnings come before it, each a line.
      expectOneLine(stderr.slice(stderr.lastIndexOf('record-call: ')));
      expect(stderr).toMatch(want);
      expectNoTrace(stderr);
      // The digits that were typed are nobody's business.
      expect(stderr).not.toMatch(/\*7|71|72/);
      expect(filesIn(out)).toEqual([]);
    });
  }
});
