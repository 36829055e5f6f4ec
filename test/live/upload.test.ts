/** The sample call's capture, uploaded to the live service: a job, and then a recording like any other (design §6.3). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Manifest } from '../../src/finalize/manifest.ts';
import type { JobDocument } from '../../src/http/service.ts';
import { DEFAULT_START_US } from '../support/call-scenario.ts';
import { CARD_PAYMENT, codeSpan } from '../support/card-payment.ts';
import { filesIn, listenTo } from '../support/command.ts';
import type { Audio } from '../support/listen.ts';
import { type Envelope, eventually } from '../support/live-api.ts';
import { type LiveService, type LiveTarget, startLiveService, startLiveTarget } from '../support/live-service.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { peak, rmsDbfs, span } from '../support/tones.ts';

const { timeline, capture, metaflows } = CARD_PAYMENT;
const FRAME_MS = 20;

const root = sharedScratchDir();
const data = join(root, 'data');
let service: LiveService;
let target: LiveTarget;
let accepted: { readonly status: number; readonly job: JobDocument };
let job: JobDocument;

type Found = { readonly document: Envelope['data']; readonly manifest: Manifest; readonly audio: Audio };
let found: readonly Found[] = [];

const upload = async (file: string, fields: object): Promise<typeof accepted> => {
  const form = new FormData();
  form.set('data', JSON.stringify(fields));
  form.set('file', new Blob([readFileSync(file)]), 'card-payment.pcap');
  const response = await service.api.fetch('PUT', '/recordings', { body: form });
  return { status: response.status, job: ((await response.json()) as Envelope).data };
};

beforeAll(async () => {
  target = await startLiveTarget(join(root, 'uploads'));
  service = await startLiveService(data);
  const { api } = service;
  await api.ask('POST', '/metaflows', { data: JSON.parse(readFileSync(metaflows, 'utf8')) });
  accepted = await upload(capture, { format: 'wav', url: target.url });
  job = await eventually(async () => {
    const { data: now } = await api.ask('GET', `/recordings/jobs/${accepted.job.id}`);
    return now.state === 'done' || now.state === 'failed' ? now : undefined;
  }, 'the job to end');
  const documents = await eventually(async () => {
    const all = await api.recordings();
    return all.every(({ state }) => state === 'delivered' || state === 'failed') ? all : undefined;
  }, 'the recordings to be delivered');
  found = await Promise.all(
    job.recordings.map(async (id) => ({
      document: documents.find((each) => each.id === id)!,
      manifest: (await api.ask('GET', `/recordings/${id}/manifest`)).data,
      audio: await listenTo(target.fileOf(id)),
    })),
  );
});

afterAll(async () => {
  await service?.stop();
  await target?.close();
});

/** Of a time in the sample's timeline, in the recording. */
const at = (ms: number, { recording }: Manifest): number =>
  ms - (Date.parse(recording.started_at) - DEFAULT_START_US / 1000);

const [maskMs] = codeSpan('mask');
const [unmaskMs] = codeSpan('unmask');

test('the upload is a job at once, and the job is done', () => {
  expect(accepted).toMatchObject({ status: 202, job: { kind: 'replay', recordings: [], error: null } });
  expect(job).toMatchObject({ id: accepted.job.id, state: 'done', progress: 1, error: null });
});

test('its recording is listed, and was delivered once', async () => {
  const listed = await service.api.recordings();
  expect(listed.map(({ id }) => id).sort()).toEqual([...job.recordings].sort());
  for (const { document } of found) {
    expect(document).toMatchObject({ call_id: timeline.call_id, format: 'wav', state: 'delivered' });
    expect(target.received.filter(({ recordingId }) => recordingId === document.id)).toMatchObject([
      { sha256: document.sha256, method: 'PUT' },
    ]);
  }
});

test('the whole call is recorded, once, and masked as the account’s codes say; *71 and *74 are not run', () => {
  expect(found).toHaveLength(1);
  const [{ document, manifest, audio }] = found;
  const { artefact, masks } = manifest;
  expect(document.label).toBeUndefined();
  const edges = [
    [0, 0],
    [masks[0].start_ms, maskMs],
    [masks[0].end_ms, unmaskMs],
    [artefact.duration_ms, timeline.duration_ms],
  ] as const;
  for (const [ms, sentMs] of edges) expect(Math.abs(ms - at(sentMs, manifest))).toBeLessThanOrEqual(FRAME_MS);
  const trigger = { kind: 'dtmf', leg: 'b' };
  expect(masks).toMatchObject([{ trigger, unmask_trigger: trigger }]);
  const [{ start_ms, end_ms }] = masks;
  expect(document.masks).toMatchObject([{ start_ms, end_ms }]);
  for (const pcm of audio.channels) expect(peak(span(pcm, audio.sampleRate, start_ms, end_ms))).toBe(0);
  const said = timeline.utterances
    .map(({ leg, text, ...spoken }) => ({
      ...{ leg, text },
      from: at(spoken.start_ms, manifest),
      to: at(spoken.end_ms, manifest),
    }))
    .filter(({ from, to }) => from >= 0 && to <= artefact.duration_ms && (to <= start_ms || from >= end_ms));
  expect(said).toHaveLength(11);
  for (const { leg, text, from, to } of said)
    expect(rmsDbfs(audio.channels[leg === 'a' ? 0 : 1], audio.sampleRate, from, to), text).toBeGreaterThan(-22);
});

test('nothing of the upload is left but the recordings', () => {
  const left = filesIn(data).filter(
    (name) =>
      !name.endsWith('/') && !/^(record-call\.sqlite|credentials\.json|(master|signing|keys\/store)\.key)/.test(name),
  );
  // Its key, audio and manifest.
  expect(left.map((name) => name.split('/')[0])).toEqual(['keys', 'recordings', 'recordings']);
});
