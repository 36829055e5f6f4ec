/**
 * The seed's scenario through the live service: Alice calls Bob, real RTP over loopback in real time, codes typed as telephone-events or
 * sent to the API, recordings delivered to a target and listened to. All calls run at once; what is looked for is said in `live-call.ts`.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LEGS, type Leg } from '../../src/core/leg.ts';
import type { Manifest } from '../../src/finalize/manifest.ts';
import type { CallDocument, ServiceEvent } from '../../src/http/service.ts';
import { listenTo } from '../support/command.ts';
import { type Envelope, eventually, type LiveApi } from '../support/live-api.ts';
import {
  CALL_MS,
  CODE,
  HZ,
  isSecretAt,
  metaflowsOf,
  publicBytes,
  type SeedCall,
  seedPackets,
  speechOf,
  TYPED,
} from '../support/live-call.ts';
import { filesWith, filesWithSecret, liveFaults } from '../support/live-judge.ts';
import { type Due, LiveSchedule, openSender, sendTo } from '../support/live-sender.ts';
import { type LiveService, type LiveTarget, startLiveService, startLiveTarget } from '../support/live-service.ts';
import { sharedScratchDir } from '../support/scratch.ts';

type Recorded = { readonly format: 'wav' | 'mp3'; readonly from: 'code' | 'api' | 'announcement' };

type Scene = SeedCall & {
  readonly name: string;
  /** Who has the codes. */
  readonly holder: Leg;
  readonly listenOn?: 'self' | 'both';
  readonly startFields?: object;
  /** Fields of a recording that is announced with the call. */
  readonly announced?: object;
  /** Oldest first. */
  readonly recordings: readonly Recorded[];
  readonly trigger: { readonly kind: 'dtmf'; readonly leg: Leg } | { readonly kind: 'api' };
};

const SCENES: readonly Scene[] = [
  {
    name: 'bob-types',
    holder: 'b',
    typist: 'b',
    withCard: true,
    startFields: { format: 'wav', label: 'card payment' },
    recordings: [{ format: 'wav', from: 'code' }],
    trigger: { kind: 'dtmf', leg: 'b' },
  },
  {
    name: 'alice-types',
    holder: 'a',
    typist: 'a',
    withCard: true,
    startFields: { format: 'mp3', method: 'post' },
    recordings: [{ format: 'mp3', from: 'code' }],
    trigger: { kind: 'dtmf', leg: 'a' },
  },
  {
    name: 'both-listened-to',
    holder: 'b',
    listenOn: 'both',
    typist: 'a',
    startFields: { format: 'wav' },
    recordings: [{ format: 'wav', from: 'code' }],
    trigger: { kind: 'dtmf', leg: 'a' },
  },
  {
    // The codes are Bob's, and listen to him alone: what Alice types does nothing.
    name: 'api',
    holder: 'b',
    typist: 'a',
    startFields: { format: 'mp3' },
    recordings: [{ format: 'wav', from: 'api' }],
    trigger: { kind: 'api' },
  },
  {
    name: 'two-recordings',
    holder: 'b',
    typist: 'b',
    wholly: true,
    startFields: { format: 'wav', media_name: 'typed.wav' },
    announced: { format: 'mp3', media_name: 'announced.mp3', method: 'post' },
    recordings: [
      { format: 'mp3', from: 'announcement' },
      { format: 'wav', from: 'code' },
    ],
    trigger: { kind: 'dtmf', leg: 'b' },
  },
];

/** One call, while it is driven and after it. */
type Driven = { readonly scene: Scene; readonly call: CallDocument; isSecret: boolean; readonly answers: Envelope[] };

const root = sharedScratchDir();
const data = join(root, 'data');
const uploads = join(root, 'uploads');
let service: LiveService;
let target: LiveTarget;
let schedule: LiveSchedule;
let driven: readonly Driven[] = [];
let events: readonly ServiceEvent[] = [];
let documents: Envelope['data'][] = [];
let manifests: Manifest[] = [];
const sockets: { close(): void }[] = [];
const secretSeen = new Set<string>();
const publicSeen = new Set<string>();
let looks = 0;

const peopleOf = async (api: LiveApi, { name, holder, listenOn, startFields }: Scene): Promise<void> => {
  for (const leg of LEGS)
    await api.ask('PUT', `/users/${name}-${leg}`, { data: { name: leg === 'a' ? 'Alice' : 'Bob' } });
  const metaflows = metaflowsOf({ ...startFields, url: target.url }, listenOn);
  await api.ask('POST', `/users/${name}-${holder}/metaflows`, { data: metaflows });
};

const announce = async (api: LiveApi, scene: Scene): Promise<Driven> => {
  await peopleOf(api, scene);
  const call = await api.announce({
    call_id: scene.name,
    from: 'alice@example.com',
    to: 'bob@example.com',
    caller: { user_id: `${scene.name}-a` },
    callee: { user_id: `${scene.name}-b` },
    ...(scene.announced === undefined ? {} : { record_call: { ...scene.announced, url: target.url } }),
  });
  return { scene, call, isSecret: scene.trigger.kind === 'api', answers: [] };
};

/** Each packet at its time, the secret one while what is said is secret. */
const packetsOf = async (each: Driven): Promise<Due[]> => {
  const { scene, call } = each;
  const byApi = scene.trigger.kind === 'api';
  const due: Due[] = [];
  for (const leg of LEGS) {
    const socket = await openSender();
    sockets.push(socket);
    const { port } = call.legs[leg].rtp!;
    for (const { atUs, data: plain, secret } of seedPackets(leg, scene)) {
      const atMs = atUs / 1000;
      const isSecret = (): boolean => (byApi ? each.isSecret : isSecretAt(atMs, scene, schedule.lagMs));
      const act = (): void => sendTo(socket, port, isSecret() ? secret : plain);
      due.push({ atMs, act });
    }
  }
  return due;
};

/** Alice's codes go unheard; the API does what they say. What is secret is said from the answer to a mask to the next request. */
const controlByApi = async (api: LiveApi, each: Driven): Promise<void> => {
  const { call, answers } = each;
  const { a, b } = call.legs;
  const metaflow = (fields: object) => ({ action: 'metaflow', data: { module: 'record_call', data: fields } });
  await schedule.reach(900);
  each.isSecret = false;
  await schedule.reach(1000);
  const start = { action: 'start', format: 'wav', url: target.url };
  answers.push(await api.ask('PUT', `/channels/${a.channel_id}`, metaflow(start)));
  await schedule.reach(1900);
  answers.push(await api.ask('PUT', `/channels/${b.channel_id}`, metaflow({ action: 'mask' })));
  each.isSecret = true;
  await schedule.reach(2600);
  answers.push(await api.act(a.channel_id, 'mask'));
  await schedule.reach(4000);
  each.isSecret = false;
  answers.push(await api.act(a.channel_id, 'unmask'));
  answers.push(await api.act(b.channel_id, 'unmask'));
  await schedule.reach(5000);
  answers.push(await api.act(b.channel_id, 'stop_record'));
  // The frame in which it stops is written whole, and what comes later than it is placed was said before it.
  await schedule.reach(schedule.nowMs + 100 + schedule.lagMs);
  each.isSecret = true;
};

const look = (): void => {
  looks++;
  for (const name of filesWithSecret(root)) secretSeen.add(name);
  for (const name of filesWith(data, publicBytes())) publicSeen.add(name);
};

beforeAll(async () => {
  target = await startLiveTarget(uploads);
  // What a mask keeps out, it keeps out of files that anybody could read.
  service = await startLiveService(data, { RECORD_CALL_ENCRYPTION: 'off' });
  const { api } = service;
  const listening = await api.listen();
  events = listening.events;
  driven = await Promise.all(SCENES.map((scene) => announce(api, scene)));
  const due = (await Promise.all(driven.map(packetsOf))).flat();
  schedule = new LiveSchedule(due);
  const controlled = controlByApi(api, driven.find(({ scene }) => scene.name === 'api')!);
  for (let atMs = 1000; atMs < CALL_MS; atMs += 400) {
    await schedule.reach(atMs);
    look();
  }
  await Promise.all([schedule.done, controlled]);
  for (const { call } of driven) await api.ask('DELETE', `/calls/${call.call_id}`);
  const expected = SCENES.flatMap(({ recordings }) => recordings).length;
  await eventually(() => {
    look();
    const over = events.filter(({ type }) => type === 'delivery.done' || type.endsWith('.failed'));
    return over.length >= expected || undefined;
  }, 'every recording to be delivered');
  documents = await api.recordings();
  manifests = await Promise.all(
    documents.map(async ({ id }) => (await api.ask('GET', `/recordings/${id}/manifest`)).data),
  );
  look();
  await listening.end();
});

afterAll(async () => {
  for (const socket of sockets) socket.close();
  await service?.stop();
  await target?.close();
});

/** Between a code's first chance to act and its last, as late as packets left, and a moment for the disk where one is waited for. */
const expectAt = (atMs: number, { actsMs, endMs }: { actsMs: number; endMs: number }, diskMs = 0): void => {
  // Both positions that it is the sum of are told in whole ms, rounded down.
  expect(atMs).toBeGreaterThanOrEqual(actsMs - 2);
  expect(atMs).toBeLessThanOrEqual(endMs + schedule.lagMs + diskMs);
};

const ofCall = (name: string) =>
  documents.flatMap((document, index) => (document.call_id === name ? [{ document, manifest: manifests[index] }] : []));

describe.each(SCENES)('$name', (scene) => {
  const { name, recordings, trigger } = scene;

  test('there are the recordings that were asked for, delivered once each', () => {
    const found = ofCall(name);
    expect(found.map(({ document }) => document.format).sort()).toEqual(recordings.map(({ format }) => format).sort());
    for (const { document } of found) {
      expect(document).toMatchObject({ state: 'delivered', error: null, delivery: { state: 'done', tries: 1 } });
      const method =
        recordings.length === 2 && document.format === 'mp3' ? 'POST' : name === 'alice-types' ? 'POST' : 'PUT';
      expect(target.received.filter(({ recordingId }) => recordingId === document.id)).toMatchObject([
        { method, bytes: document.bytes, sha256: document.sha256 },
      ]);
    }
  });

  describe.each(recordings)('the $format started by $from', ({ format, from }) => {
    const found = () => ofCall(name).find(({ document }) => document.format === format)!;
    const zeroMs = () => schedule.startedUs / 1000;
    const startMs = () => Date.parse(found().manifest.recording.started_at) - zeroMs();

    test('begins and ends when it was asked to', () => {
      const { recording, artefact } = found().manifest;
      expect(Math.abs(artefact.duration_ms - recording.call_duration_ms)).toBeLessThanOrEqual(1);
      if (from === 'code') {
        expectAt(startMs(), CODE.start);
        expectAt(startMs() + artefact.duration_ms, CODE.stop);
      }
      if (from === 'announcement') {
        expect(Math.abs(startMs() + 20)).toBeLessThanOrEqual(20 + schedule.lagMs);
        expect(Math.abs(artefact.duration_ms - CALL_MS)).toBeLessThanOrEqual(40);
      }
      if (from === 'api') {
        expectAt(startMs(), { actsMs: 1000, endMs: 1000 }, 500);
        expectAt(startMs() + artefact.duration_ms, { actsMs: 5000, endMs: 5000 }, 500);
      }
      expect(recording.end_reason).toBe(from === 'announcement' ? 'hangup' : 'stop');
    });

    test('its manifest has one mask: when, and who asked for it', () => {
      const { manifest, document } = found();
      expect(document.masks).toMatchObject(
        manifest.masks.map(({ start_ms, end_ms, mode }) => ({ start_ms, end_ms, mode })),
      );
      const by = trigger.kind === 'api' ? { kind: 'api', by: expect.stringMatching(/^\w+$/) } : trigger;
      expect(manifest.masks).toMatchObject([{ mode: 'silence', trigger: by, unmask_trigger: by }]);
      const [{ start_ms, end_ms, lookback_ms, frames_withheld }] = manifest.masks;
      const [mask, unmask] =
        trigger.kind === 'api'
          ? [
              { actsMs: 1900, endMs: 1900 + 500 },
              { actsMs: 4000, endMs: 4000 + 500 },
            ]
          : [CODE.mask, CODE.unmask];
      // Where the loop stood still on a busy machine, the mask reaches back over it, and says so.
      expectAt(startMs() + start_ms + lookback_ms, mask);
      expect(lookback_ms).toBeLessThan(500);
      expectAt(startMs() + end_ms, unmask, 500);
      for (const leg of LEGS) expect(frames_withheld![leg]).toBeGreaterThan(0);
    });

    test('what was said under the mask is nowhere in it, the rest is all there', async () => {
      const { document, manifest } = found();
      // A packet leaves at the end of the frame that is in it.
      const shiftMs = startMs() + 20;
      const said = (leg: Leg) => ({
        hz: HZ[leg],
        spans: speechOf(leg, scene).map(({ fromMs, toMs }) => ({ from: fromMs - shiftMs, to: toMs - shiftMs })),
      });
      const audio = await listenTo(target.fileOf(document.id));
      expect(liveFaults(audio, manifest, { a: said('a'), b: said('b') }, schedule.lagMs)).toEqual([]);
    });

    test('the API gives the same file', async () => {
      const { document } = found();
      const response = await service.api.fetch('GET', `/recordings/${document.id}`, { headers: { accept: 'audio/*' } });
      expect(response.headers.get('content-type')).toBe(format === 'wav' ? 'audio/wav' : 'audio/mpeg');
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(document.sha256);
      expect(bytes.equals(readFileSync(target.fileOf(document.id)))).toBe(true);
    });
  });

  test('its account was told of it all, in order', () => {
    const told = events.filter(({ data }) => data.call_id === name);
    const types = told.map(({ type }) => type);
    const by = (type: string) => told.filter((event) => event.type === type).map(({ data }) => data.by);
    const expectedBy = expect.objectContaining(trigger);
    expect([by('mask.on'), by('mask.off')]).toEqual([[expectedBy], [expectedBy]]);
    const ids = ofCall(name).map(({ document }) => document.id);
    for (const type of ['mask.on', 'mask.off'])
      expect(told.find((event) => event.type === type)!.data.recordings).toEqual(expect.arrayContaining(ids));
    const story = ['call.announced', 'mask.on', 'mask.off', 'call.ended', 'recording.stored', 'delivery.done'];
    const wav = [
      'recording.started',
      'mask.on',
      'mask.off',
      'recording.stopped',
      'recording.finalizing',
      'recording.stored',
    ];
    for (const order of [story.filter((type) => type !== 'recording.stored' && type !== 'delivery.done'), wav])
      expect(types.filter((type) => order.includes(type)).filter((type, at, all) => all.indexOf(type) === at)).toEqual(
        order,
      );
    expect(types.filter((type) => type === 'delivery.done')).toHaveLength(recordings.length);
    expect(types.filter((type) => type === 'command.unchanged' || type === 'command.failed')).toEqual([]);
  });
});

test('two recordings at once are masked at the same place', () => {
  const spans = ofCall('two-recordings').map(({ manifest: { recording, masks } }) =>
    [masks[0].start_ms, masks[0].end_ms].map((at) => Date.parse(recording.started_at) + at),
  );
  expect(spans).toHaveLength(2);
  for (const edge of [0, 1]) expect(Math.abs(spans[0][edge] - spans[1][edge])).toBeLessThanOrEqual(2);
});

test('every request to the API was answered by what it did', () => {
  const { answers } = driven.find(({ scene }) => scene.name === 'api')!;
  const [started, masked, again, unmasked, unmaskedAgain, stopped] = answers;
  const [{ document }] = ofCall('api');
  const touched = [{ id: document.id, state: 'recording' }];
  expect(started).toMatchObject({
    data: 'metaflow sent',
    result: { action: 'start', changed: true, recordings: touched },
  });
  expect(masked).toMatchObject({ data: 'metaflow sent', result: { action: 'mask', changed: true, masked: true } });
  expect(masked.result.recordings).toMatchObject(touched);
  expect(again).toMatchObject({ action: 'mask', changed: false, masked: true, recordings: touched });
  expect(unmasked).toMatchObject({ action: 'unmask', changed: true, masked: false, recordings: touched });
  expect(unmaskedAgain).toMatchObject({ action: 'unmask', changed: false, masked: false });
  expect(stopped).toMatchObject({
    action: 'stop',
    changed: true,
    recordings: [{ id: document.id, state: 'finalizing' }],
  });
});

test('at no moment was the secret in any file, while the search would have found it', async () => {
  expect([...secretSeen]).toEqual([]);
  expect(looks).toBeGreaterThan(12);
  expect([...publicSeen].filter((name) => name.endsWith('.journal')).length).toBeGreaterThan(3);
  // Journals go when their artefacts are there.
  await eventually(() => filesWith(data, publicBytes()).length === 0 || undefined, 'the journals to be gone');
});

test('no packet was lost, and only the secret was withheld', () => {
  for (const manifest of manifests) {
    for (const leg of LEGS)
      expect(manifest.legs[leg].packets).toMatchObject({ lost: 0, late: 0, duplicate: 0, unusable: 0 });
  }
});

test('no line of the log and no event holds digits or audio', () => {
  expect(service.logged.length).toBeGreaterThan(20);
  const events_ = JSON.stringify(events);
  for (const text of [...service.logged, events_]) {
    for (const typed of TYPED) expect(text).not.toContain(typed);
    expect(text).not.toMatch(/"(digit|digits|symbol|collected|captures|payload)"/);
    expect(text).not.toMatch(/"level":[56]0/);
  }
});
