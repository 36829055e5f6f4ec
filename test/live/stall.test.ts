/** A process that stands still while a code is typed: what was said behind the code is in no file. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LEGS } from '../../src/core/leg.ts';
import { CODE, metaflowsOf, SECRET_MS, seedPackets } from '../support/live-call.ts';
import { filesWithSecret } from '../support/live-judge.ts';
import { type Due, LiveSchedule, openSender, sendTo } from '../support/live-sender.ts';
import { startLiveProgram } from '../support/live-service.ts';
import { scratchDir } from '../support/scratch.ts';

test('what is said behind a code that waited for 300 ms in its socket is in no file', async () => {
  const stallMs = 300;
  const root = scratchDir();
  const program = await startLiveProgram(join(root, 'data'), { RECORD_CALL_ENCRYPTION: 'off' });
  onTestFinished(async () => void (await program.end('SIGKILL')));
  const { api } = program;
  await api.ask('PUT', '/users/b', { data: { name: 'Bob' } });
  await api.ask('POST', '/users/b/metaflows', { data: metaflowsOf({ format: 'wav' }) });
  const calls = await Promise.all(
    [0, 1, 2, 3].map((n) => api.announce({ call_id: `c${n}`, callee: { user_id: 'b' } })),
  );
  const due: Due[] = [];
  for (const call of calls)
    for (const leg of LEGS) {
      const socket = await openSender();
      for (const { atUs, data, secret } of seedPackets(leg, { typist: 'b' })) {
        const atMs = atUs / 1000;
        const isSecret = atMs >= SECRET_MS.from && atMs < SECRET_MS.to;
        due.push({ atMs, act: () => sendTo(socket, call.legs[leg].rtp!.port, isSecret ? secret : data) });
      }
    }
  const schedule = new LiveSchedule(due);
  await schedule.reach(CODE.mask.actsMs - 30);
  program.child.kill('SIGSTOP');
  await schedule.reach(CODE.mask.actsMs - 30 + stallMs);
  program.child.kill('SIGCONT');
  await schedule.reach(4000);
  await schedule.stop();
  expect(filesWithSecret(root)).toEqual([]);
});
