/** What the survey makes of real traffic; `shared/captures/README.md` says where each file is from. Skipped where they are absent. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planCapture } from '../../../src/ingest/survey/plan-capture.ts';
import { callCapture } from '../../support/call-scenario.ts';
import { scratchDir } from '../../support/scratch.ts';
import { leftOut, streams } from './scene.ts';

const CAPTURES = join(import.meta.dirname, '../../../../shared/captures');

const DTMF = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'star', 'pound'];

type Expected = {
  readonly file: string;
  /** Each call's legs and codecs, its packets, and its length to the tenth of a second. */
  readonly calls: readonly {
    readonly streams: readonly string[];
    readonly packets: number;
    readonly seconds: number;
  }[];
  readonly leftOut?: readonly string[];
};

const alone = (file: string, path: string, codec: string, packets: number, seconds: number): Expected => ({
  file,
  calls: [{ streams: [`a ${path} ${codec}`], packets, seconds }],
});

const bridged = (file: string, ports: readonly [number, number], packets: number, seconds: number): Expected => ({
  file: `rtpengine-run/${file}`,
  calls: [
    {
      streams: [
        `a 127.0.0.1:41000>127.0.0.1:${ports[0]} 0:PCMU/8000`,
        `b 127.0.0.1:41010>127.0.0.1:${ports[1]} 0:PCMU/8000`,
      ],
      packets,
      seconds,
    },
  ],
});

const asterisk = (format: string, port: number, codec: string): Expected =>
  alone(`asterisk-run/externalmedia-${format}.pcap`, `127.0.0.1:${port}>127.0.0.1:9100`, codec, 115, 3.7);

const EXPECTED: readonly Expected[] = [
  bridged('rec-test-2-9f19a704b6eb1a43.pcap', [30014, 30000], 100, 1),
  bridged('rec-test-2-1e3cd284ccd10028.pcap', [30014, 30000], 100, 1),
  bridged('v26-rec-test-3-e8fb56bc86984cbe.pcap', [30080, 30020], 200, 3),
  asterisk('ulaw', 12026, '0:PCMU/8000'),
  asterisk('slin', 12020, '10:L16/8000'),
  asterisk('slin16', 12002, '118:L16/16000'),
  asterisk('g722', 12020, '9:G722/8000'),
  asterisk('opus', 12068, '107:OPUS/48000/2'),
  alone('freeswitch/milliwatt.pcmu.rtp.pcap', '192.168.0.2:26264>192.168.0.1:7078', '0:PCMU/8000', 232, 4.6),
  alone('freeswitch/milliwatt.long.pcmu.rtp.pcap', '192.168.0.2:31566>192.168.0.1:7078', '0:PCMU/8000', 713, 14.3),
  alone('sipp-debian/g711a.pcap', '10.1.3.143:5000>10.1.6.18:2006', '8:PCMA/8000', 236, 7),
  { file: 'zeek/sip-wireshark.pcap', calls: [], leftOut: ['SIP calls: 4: 0'] },
  { file: 'tcpdump/rtp-seg-fault-1.pcapng', calls: [] },
  { file: 'tcpdump/rtp-seg-fault-2.pcapng', calls: [] },
  ...DTMF.map((key) => ({
    file: `sipp-debian/dtmf_2833_${key}.pcap`,
    calls: [],
    leftOut: ['telephone-events only: 10'],
  })),
];

for (const { file, calls, leftOut: left = [] } of EXPECTED) {
  const path = join(CAPTURES, file);
  test.skipIf(!existsSync(path))(`${file} is surveyed`, async () => {
    const plan = await planCapture(path);
    const found = plan.calls.map((call) => ({
      streams: streams(call),
      packets: call.streams.reduce((sum, { packets }) => sum + packets, 0),
      seconds: Math.round((call.lastUs - call.firstUs) / 1e5) / 10,
    }));
    expect(found).toEqual(calls);
    expect(leftOut(plan)).toEqual(left);
  });
}

test('a capture file with signalling is planned, and its progress told', async () => {
  const path = join(scratchDir(), 'call.pcap');
  const legs = { a: { typed: [{ keys: '*72', atMs: 500 }] }, b: { startMs: 60 } };
  writeFileSync(path, callCapture({ durationMs: 2000, legs, sip: { callId: 'c1@example.com' }, jitterMs: 5 }));
  const progress: unknown[] = [];
  const plan = await planCapture(path, { onProgress: (...told) => progress.push(told) });
  expect(plan.calls.map((call) => [call.callId, call.signalled, streams(call)])).toEqual([
    [
      'c1@example.com',
      true,
      [
        'a 192.0.2.11:40000>192.0.2.22:50000 0:PCMU/8000 101:TELEPHONE-EVENT/8000',
        'b 192.0.2.22:50000>192.0.2.11:40000 0:PCMU/8000',
      ],
    ],
  ]);
  expect(plan.leftOut).toEqual([]);
  expect(plan.warnings).toEqual([]);
  expect(progress.length).toBeGreaterThan(0);
});

test('what is no capture is refused by the reader, before any survey', async () => {
  const path = join(scratchDir(), 'no.pcap');
  writeFileSync(path, 'this is no capture');
  await expect(planCapture(path)).rejects.toMatchObject({ code: 'CAPTURE_UNREADABLE' });
});
