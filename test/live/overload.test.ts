/** More calls than the service is set to take: each is refused with a reason, at once, and those that there are go on as if nobody had asked. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LEGS } from '../../src/core/leg.ts';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { listenTo } from '../support/command.ts';
import { eventually } from '../support/live-api.ts';
import { Crowd, type CrowdCall, toneOf } from '../support/live-crowd.ts';
import { liveFaults } from '../support/live-judge.ts';
import { startLiveService, startLiveTarget } from '../support/live-service.ts';
import { scratchDir } from '../support/scratch.ts';

const MOST_CALLS = 4;
const TOO_MANY = 60;
const SPOKEN_MS = 30_000;

for (const { name, env, reason } of [
  {
    name: 'the service',
    env: { RECORD_CALL_MAX_CALLS: String(MOST_CALLS) },
    reason: `there are ${MOST_CALLS} calls, as many as this service may take`,
  },
  {
    name: 'the account',
    env: { RECORD_CALL_MAX_CALLS_PER_ACCOUNT: String(MOST_CALLS) },
    reason: `the account has ${MOST_CALLS} calls, as many as one account may have`,
  },
])
  test(`${TOO_MANY} calls more than ${name} may have: 503 with the reason, the others whole`, async () => {
    const root = scratchDir();
    const target = await startLiveTarget(join(root, 'uploads'));
    const service = await startLiveService(join(root, 'data'), env);
    const { api } = service;
    onTestFinished(async () => {
      await service.stop();
      await target.close();
    });
    const announce = (call_id: string) => api.announce({ call_id, record_call: { format: 'wav', url: target.url } });
    const calls: CrowdCall[] = [];
    for (let index = 0; index < MOST_CALLS; index++)
      calls.push({ index, call: await announce(`call-${index}`), isSecret: false });
    const crowd = await Crowd.speak(calls, SPOKEN_MS);
    await crowd.schedule.reach(800);
    const refused = await Promise.all(
      Array.from({ length: TOO_MANY }, async (_, nth) => {
        const response = await api.fetch('PUT', '/calls', {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ data: { call_id: `more-${nth}`, media: { kind: 'rtp' } } }),
        });
        return { status: response.status, text: await response.text() };
      }),
    );
    for (const { status, text } of refused) {
      expect(status, text).toBe(503);
      expect(text).toContain(reason);
    }
    await crowd.schedule.reach(2000);
    await crowd.close();
    for (const { call } of calls) await api.ask('DELETE', `/calls/${call.call_id}`);
    const documents = await eventually(async () => {
      const all = await api.recordings();
      return all.every(({ state }) => state === 'delivered') ? all : undefined;
    }, 'all of them to be delivered');
    expect(documents).toHaveLength(MOST_CALLS);
    for (const { index, call } of calls) {
      const { id } = documents.find(({ call_id }) => call_id === call.call_id);
      const manifest = (await api.ask('GET', `/recordings/${id}/manifest`)).data as Manifest;
      const spans = [{ from: 0, to: manifest.artefact.duration_ms }];
      const said = { a: { hz: toneOf(index, 'a'), spans }, b: { hz: toneOf(index, 'b'), spans } };
      expect(liveFaults(await listenTo(target.fileOf(id)), manifest, said, crowd.schedule.lagMs)).toEqual([]);
      for (const leg of LEGS) expect(manifest.legs[leg].packets).toMatchObject({ lost: 0, unusable: 0 });
    }
    // A place that is free is taken again.
    expect(await announce('afterwards')).toMatchObject({ call_id: 'afterwards' });
  });
