import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { PipelineRun } from '../pipeline/pipeline-result.ts';
import { bencode } from './bencode.ts';
import { sdpOf } from './ffmpeg-recorder.ts';
import { freePorts, portsIn, untilBound } from './free-ports.ts';
import type { CallRecorder } from './recorder.ts';
import { arePeersWanted, costOf, type RecorderLine, recordersReport, SERVICE_NAME } from './recorders-result.ts';
import { RECORDERS } from './recorders-trial.ts';

test('what rtpengine is told is bencoded, keys in order', () => {
  const told = { 'call-id': 'é1', command: 'offer', flags: ['a', 'bc'], 'delete-delay': 0, ICE: 'remove' };
  expect(bencode(told)).toBe('d3:ICE6:remove7:call-id3:é17:command5:offer12:delete-delayi0e5:flagsl1:a2:bcee');
});

test('both legs of a call are in one description', () => {
  expect(sdpOf([6000, 6002])).toMatch(
    /c=IN IP4 127\.0\.0\.1\r\nt=0 0\r\nm=audio 6000 RTP\/AVP 0\r\nm=audio 6002 RTP\/AVP 0\r\n$/,
  );
});

test('ports that somebody has are known by the system’s table', () => {
  const table = ['  sl  local_address rem_address   st', '  12: 0100007F:EE48 00000000:0000 07', ''].join('\n');
  expect([...portsIn(table)]).toEqual([61_000]);
});

test.skipIf(process.platform !== 'linux')(
  'ports are free until somebody takes them, and who waits for that hears of it',
  async () => {
    const never = new AbortController().signal;
    const [port] = await freePorts(1);
    expect(port % 2).toBe(0);
    await expect(untilBound([port], () => false, never)).rejects.toThrow('ended before it listened');
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    await untilBound([port], () => true, never);
    expect(await freePorts(2)).not.toContain(port);
    socket.close();
  },
);

const line = (name: string, makes: RecorderLine['makes'], cpuSeconds: number | null): RecorderLine => ({
  ...{ name, makes, cpuSeconds, callMinutes: 4, lateMs: 1, faults: [] },
});

const KEPT: PipelineRun = {
  ...{ format: 'wav', calls: 200, callSeconds: 20, warmSeconds: 20, steadySeconds: 10 },
  ...{ sent: 1000, received: 1000, behind: 0, lateMs: 2, atOnce: 200, callMinutes: 100, cpuSeconds: 5, threads: [] },
  ...{ delay: { media: 1, api: 1 }, finalizing: 0, drainSeconds: 0, announceP99Ms: 1, bytesPerCall: 1, peakBytes: 1 },
  ...{ recordings: 300, faults: [] },
};

test('each recorder is held against ours that makes the same, rtpengine against our wav', () => {
  const lines = [
    line('ffmpeg', 'wav', 2),
    line(SERVICE_NAME, 'wav', 1),
    { ...line('ffmpeg', 'mp3', 2), faults: ['no file'] },
    line('rtpengine', 'pcap', 0.5),
    line('elsewhere', 'wav', null),
  ];
  const result = {
    calls: 20,
    seconds: 12,
    lines,
    skipped: [{ what: 'GStreamer', why: 'none' }],
    failed: [],
  };
  const pipeline = {
    lines: [{ format: 'wav', cost: null, kept: null, runs: [KEPT, { ...KEPT, calls: 900, received: 1 }] }],
    ...{ isPinned: true, skipped: [], failed: [] },
  } as const;
  const text = recordersReport(result, pipeline).join('\n');
  expect(text).toMatch(/ffmpeg, wav +0\.5000 +2\.0 × +right/);
  expect(text).toMatch(/ffmpeg, mp3 +0\.5000 +– +1 faults: no file/);
  expect(text).toMatch(/rtpengine, pcap +0\.1250 +0\.5 × +right/);
  expect(text).toMatch(/elsewhere, wav +– +– +right/);
  expect(text).toMatch(/serve, 200 calls that come and go, wav +0\.0500 +0\.2 × +right/);
  expect(text).toContain('skipped: GStreamer: none');
  expect(costOf(lines[0])).toBe(0.5);
});

test('each recorder has a name of its own for what it makes, and ours are there for both formats', () => {
  const names = RECORDERS.map(({ name, makes }: CallRecorder) => `${name} ${makes}`);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name.startsWith(SERVICE_NAME))).toHaveLength(2);
});

for (const { options, wanted } of [
  { options: { filters: ['gstreamer'] }, wanted: true },
  { options: { filters: [], only: ['peers'] }, wanted: true },
  { options: { filters: [], only: ['pipeline'] }, wanted: false },
  { options: { filters: ['resampling'] }, wanted: false },
]) {
  test(`who asks for ${JSON.stringify(options)} gets others’ recorders: ${wanted}`, () => {
    expect(arePeersWanted(options)).toBe(wanted);
  });
}
