/** Real traffic: every shared capture becomes a file of the capture's own length that ffprobe accepts, or is refused by name. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ReplayOptions, replay } from '../../src/app/replay.ts';
import { systemClock } from '../../src/core/clock.ts';
import { PUBLIC_ONLY } from '../../src/deliver/allow-list.ts';
import { CaptureReader } from '../../src/ingest/capture/capture-reader.ts';
import { RtpPacket } from '../../src/media/rtp-packet.ts';
import { hasProgram } from '../support/has.ts';
import { scratchDir } from '../support/scratch.ts';

const CAPTURES = resolve(import.meta.dirname, '../../../shared/captures');
/** The bound: a frame at either end. */
const TOLERANCE_MS = 40;

/** What comes out: rate of the recording, and of its RTP clock where that is another; or the reason why there is none. */
const EXPECTED: Readonly<
  Record<string, { readonly rate: number; readonly clock?: number } | { readonly refused: RegExp }>
> = {
  'externalmedia-g722.pcap': { rate: 16_000, clock: 8000 },
  'externalmedia-opus.pcap': { rate: 48_000 },
  'externalmedia-slin.pcap': { rate: 8000 },
  'externalmedia-slin16.pcap': { rate: 16_000 },
  'externalmedia-ulaw.pcap': { rate: 8000 },
  'milliwatt.long.pcmu.rtp.pcap': { rate: 8000 },
  'milliwatt.pcmu.rtp.pcap': { rate: 8000 },
  'rec-test-2-1e3cd284ccd10028.pcap': { rate: 8000 },
  'rec-test-2-9f19a704b6eb1a43.pcap': { rate: 8000 },
  'v26-rec-test-3-e8fb56bc86984cbe.pcap': { rate: 8000 },
  'g711a.pcap': { rate: 8000 },
  ...Object.fromEntries(
    [...'0123456789', 'pound', 'star'].map((key) => [`dtmf_2833_${key}.pcap`, { refused: /telephone-events only/ }]),
  ),
  'rtp-seg-fault-1.pcapng': { refused: /no RTP in it/ },
  'rtp-seg-fault-2.pcapng': { refused: /no RTP in it/ },
  'sip-wireshark.pcap': { refused: /signalling.*no media/ },
};

const files = existsSync(CAPTURES)
  ? readdirSync(CAPTURES, { recursive: true, encoding: 'utf8' }).filter((name) => /\.pcap(ng)?$/.test(name))
  : [];

const options = (path: string, directory: string, fields: ReplayOptions['fields']): ReplayOptions => ({
  captures: [path],
  metaflows: undefined,
  holder: undefined,
  fields,
  masks: [],
  redactTones: false,
  directory,
  url: undefined,
  allow: PUBLIC_ONLY,
  speed: Number.POSITIVE_INFINITY,
  encoder: 'lamejs',
  clock: systemClock,
  random: Math.random,
});

/** By the timestamps of its longest stream: from the first frame's first sample to the last frame's last. */
const lengthOf = async (path: string, clock: number): Promise<number> => {
  const rtp = new RtpPacket();
  const streams = new Map<number, number[]>();
  for await (const batch of new CaptureReader(path).batches()) {
    for (const { payload } of batch) {
      if (rtp.parse(payload)) streams.set(rtp.ssrc, [...(streams.get(rtp.ssrc) ?? []), rtp.timestamp]);
    }
  }
  const lengths = [...streams.values()].map(
    (timestamps) => timestamps.at(-1)! - timestamps[0]! + timestamps[1]! - timestamps[0]!,
  );
  return (Math.max(...lengths) * 1000) / clock;
};

describe.skipIf(files.length === 0)('a shared capture', () => {
  test('is in the table, every one', () =>
    expect(files.map((file) => basename(file)).sort()).toEqual(Object.keys(EXPECTED).sort()));

  for (const file of files) {
    const expected = EXPECTED[basename(file)];
    const path = join(CAPTURES, file);
    if (expected === undefined) continue;
    if ('refused' in expected) {
      test(`${basename(file)} is refused: ${expected.refused.source}`, async () => {
        const { recordings, nothing } = await replay(options(path, scratchDir(), { format: 'wav' }));
        expect(recordings).toEqual([]);
        expect(nothing).toMatch(expected.refused);
      });
      continue;
    }
    for (const format of ['wav', 'mp3'] as const) {
      test(`${basename(file)} becomes a ${format} of its own length`, async () => {
        const { recordings } = await replay(options(path, scratchDir(), { format }));
        expect(recordings).toHaveLength(1);
        const [{ state, sample_rate, duration_ms, path: artefact, error }] = recordings as [
          (typeof recordings)[number],
        ];
        expect({ state, error, sample_rate }).toEqual({ state: 'stored', error: null, sample_rate: expected.rate });
        expect(Math.abs(duration_ms - (await lengthOf(path, expected.clock ?? expected.rate)))).toBeLessThanOrEqual(
          TOLERANCE_MS,
        );
        if (!hasProgram('ffprobe')) return;
        const probed = execFileSync('ffprobe', [
          '-v',
          'error',
          '-show_entries',
          'stream=codec_name,sample_rate',
          '-of',
          'json',
          artefact!,
        ]);
        const [stream] = JSON.parse(String(probed)).streams;
        expect(stream).toEqual({
          codec_name: format === 'mp3' ? 'mp3' : 'pcm_s16le',
          sample_rate: String(expected.rate),
        });
        // Decoded, because an mp3's own duration counts what is to be trimmed.
        const decoded = execFileSync('ffmpeg', ['-v', 'error', '-i', artefact!, '-f', 's16le', '-'], {
          maxBuffer: 1 << 26,
        });
        expect(Math.abs(decoded.length / 4 / (expected.rate / 1000) - duration_ms)).toBeLessThan(1);
      });
    }
  }
});

test.skipIf(files.length === 0)('what is no capture is said to be none', async () => {
  for (const name of ['asterisk-run/audiosocket-app-slin8.bin', 'siprec-invites/acme-siprec-offer.txt']) {
    const { recordings, failures } = await replay(options(join(CAPTURES, name), scratchDir(), {}));
    expect(recordings).toEqual([]);
    expect(failures).toMatchObject([{ error: { code: 'CAPTURE_UNREADABLE', exit: 2 } }]);
  }
});
