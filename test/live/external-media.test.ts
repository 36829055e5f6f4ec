/**
 * What a real Asterisk sent as External Media, played to live ports again: one voice in five formats, under the payload types that Asterisk
 * gives them, is the same voice in five recordings. Skipped where the captures are absent; `shared/captures/README.md` says whence they are.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CaptureReader } from '../../src/ingest/capture/capture-reader.ts';
import { listenTo } from '../support/command.ts';
import type { Audio } from '../support/listen.ts';
import { eventually } from '../support/live-api.ts';
import { type Due, LiveSchedule, openSender, sendTo } from '../support/live-sender.ts';
import { type LiveService, type LiveTarget, startLiveService, startLiveTarget } from '../support/live-service.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { lagOf, peak, span } from '../support/tones.ts';

const CAPTURES = join(import.meta.dirname, '../../../shared/captures/asterisk-run');
const RATE = 8000;
/** From the first packet to the end of the last: a call that is hung up is recorded up to its last sound. */
const LENGTH_MS = 3715;
const HANGUP_MS = 4200;
/** Where the voice is quiet, and no packet comes: between its two parts. */
const GAP_MS = { from: 1900, to: 2700 };
/** The two parts of what is said: what lies between them was a little longer in some calls. */
const PARTS_MS = [
  [0, 1500],
  [2800, 3700],
] as const;
const TOLERANCE_MS = 40;

type Sent = { readonly atMs: number; readonly data: Buffer };

const packetsOf = async (file: string): Promise<Sent[]> => {
  const packets: { atUs: number; data: Buffer }[] = [];
  for await (const batch of new CaptureReader(join(CAPTURES, file)).batches()) {
    for (const { atUs, payload } of batch) packets.push({ atUs, data: Buffer.from(payload) });
  }
  return packets.map(({ atUs, data }) => ({ atMs: (atUs - packets[0].atUs) / 1000, data }));
};

const FORMATS = ['ulaw', 'slin', 'slin16', 'g722', 'opus'] as const;

describe.skipIf(!existsSync(CAPTURES))('External Media of Asterisk', () => {
  const root = sharedScratchDir();
  let service: LiveService;
  let target: LiveTarget;
  let schedule: LiveSchedule;
  const audio = new Map<string, Audio>();
  const dropped = new Map<string, number>();
  const sockets: { close(): void }[] = [];

  beforeAll(async () => {
    target = await startLiveTarget(join(root, 'uploads'));
    service = await startLiveService(join(root, 'data'));
    const { api } = service;
    const due: Due[] = [];
    const announce = async (call_id: string, format: string, server: object): Promise<void> => {
      const record_call = { format: 'wav', record_sample_rate: RATE, media_name: `${call_id}.wav`, url: target.url };
      const { data } = await api.ask('PUT', '/calls', {
        data: { call_id, media: { kind: 'rtp', ...server }, record_call },
      });
      const socket = await openSender();
      sockets.push(socket);
      for (const { atMs, data: packet } of await packetsOf(`externalmedia-${format}.pcap`))
        due.push({ atMs, act: () => sendTo(socket, data.legs.a.rtp.port, packet) });
    };
    for (const format of FORMATS) await announce(format, format, { server: 'asterisk' });
    await announce('codecs-first', 'slin16', {
      server: 'asterisk',
      codecs: { a: { 118: 'L16/16000', 10: 'L16/44100/2' } },
    });
    await announce('nobody-said', 'slin16', {});
    schedule = new LiveSchedule(due);
    await schedule.done;
    await schedule.reach(HANGUP_MS);
    const { data: calls } = await api.ask('GET', '/calls');
    for (const { call_id, legs } of calls) dropped.set(call_id, legs.a.dropped);
    await Promise.all(calls.map(({ call_id }: { call_id: string }) => api.ask('DELETE', `/calls/${call_id}`)));
    const documents = await eventually(async () => {
      const all = await api.recordings();
      return all.length >= FORMATS.length + 1 && all.every(({ state }) => state === 'delivered') ? all : undefined;
    }, 'the recordings to be delivered');
    for (const { id, call_id } of documents) audio.set(call_id, await listenTo(target.fileOf(id)));
  }, 60_000);

  afterAll(async () => {
    for (const socket of sockets) socket.close();
    await service?.stop();
    await target?.close();
  });

  for (const name of [...FORMATS, 'codecs-first']) {
    test(`${name}: as long as what was said, silent where nothing was sent, and the voice that µ-law has`, () => {
      const heard = audio.get(name)!;
      const [pcm] = heard.channels;
      const durationMs = (pcm.length * 1000) / heard.sampleRate;
      expect(heard.sampleRate).toBe(RATE);
      expect(dropped.get(name)).toBe(0);
      expect(Math.abs(durationMs - LENGTH_MS)).toBeLessThanOrEqual(TOLERANCE_MS + schedule.lagMs);
      expect(peak(pcm)).toBeGreaterThan(3000);
      expect(peak(span(pcm, RATE, GAP_MS.from, GAP_MS.to))).toBeLessThan(40);
      for (const [fromMs, toMs] of PARTS_MS) {
        const [reference, other] = [audio.get('ulaw')!.channels[0], pcm].map((each) => span(each, RATE, fromMs, toMs));
        const { likeness, lag } = lagOf(reference, other, (TOLERANCE_MS * RATE) / 1000);
        expect(likeness).toBeGreaterThan(0.95);
        expect(Math.abs(lag)).toBeLessThan((TOLERANCE_MS * RATE) / 1000);
      }
    });
  }

  test('an announcement that does not say so has no payload type 118: nothing is recorded, and it is counted', () => {
    expect(dropped.get('nobody-said')).toBe(115);
    expect(audio.has('nobody-said')).toBe(false);
  });
});
