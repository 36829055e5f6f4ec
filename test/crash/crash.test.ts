/**
 * The built service, killed at random instants of a load and started again on what it has left (design §4 rules 4 and 5, issue: nothing lost,
 * nothing leaked). `npm run test:crash` kills it 200 times; in the normal run 20 times. A run is repeated with `CRASH_SEED`.
 */
import { randomInt } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SETTINGS } from '../../src/app/settings.ts';
import { filesIn } from '../support/command.ts';
import { scratchDir } from '../support/scratch.ts';
import type { Death } from './crash-life.ts';
import { CrashWorld } from './crash-world.ts';
import { PHASES, type Phase } from './phases.ts';

const KILLS = Number(process.env.CRASH_KILLS ?? 20);
const SEED = Number(process.env.CRASH_SEED ?? randomInt(2 ** 31));
/** From so many on, each phase has to have been hit. */
const FULL_RUN = 100;
const LEAST_HITS = 3;

/** Once as files are, so that they can be searched, and once sealed, where there is such a thing. */
const WORLDS: readonly Readonly<Record<string, string>>[] = Object.hasOwn(SETTINGS, 'encryption')
  ? [{ RECORD_CALL_ENCRYPTION: 'off' }, { RECORD_CALL_ENCRYPTION: 'on' }]
  : [{}, {}];

const hitsOf = (deaths: readonly Death[]): Map<Phase, number> =>
  new Map(PHASES.map((phase) => [phase, deaths.filter(({ during }) => during.includes(phase)).length]));

test(
  `killed ${KILLS} times, it loses nothing that was begun, no mask, and at most a second of sound`,
  async () => {
    process.stdout.write(`crash test: CRASH_SEED=${SEED} CRASH_KILLS=${KILLS}\n`);
    const root = scratchDir();
    const startedMs = performance.now();
    const deaths: Death[] = [];
    const judged = await Promise.all(
      WORLDS.map(async (env, index) => {
        const folder = join(root, `world-${index}`);
        mkdirSync(folder);
        const world = await CrashWorld.open(folder, SEED + index, env);
        await world.crash(Math.ceil(KILLS / WORLDS.length), (death) => deaths.push(death));
        const { found, faults } = await world.judge();
        // A search that finds nothing has to be one that would.
        writeFileSync(join(world.data, 'planted'), Buffer.concat([Buffer.from('x'), world.needle, Buffer.from('y')]));
        expect(world.filesWithSecret()).toEqual(['planted']);
        return { found, faults: faults.map((fault) => `world ${index}: ${fault}`), target: world.target };
      }),
    );
    const hits = hitsOf(deaths);
    const recordings = judged.flatMap(({ found }) => found);
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    const cut = judged.reduce((sum, { target }) => sum + target.cut, 0);
    const stalls = deaths.map(({ stallMs }) => stallMs).sort((one, other) => one - other);
    const twice = recordings.filter(({ bodies }) => bodies.length > 1).length;
    process.stdout.write(
      `${deaths.length} kills in ${seconds} s hit ${[...hits].map(([phase, count]) => `${phase} ${count}`).join(', ')}; ` +
        `${recordings.length} recordings, ${cut} uploads cut, ${twice} delivered more than once; ` +
        `the service stood still for ${Math.round(stalls[stalls.length >> 1])} ms in the median life, ${Math.round(stalls.at(-1)!)} ms at most\n`,
    );
    expect(judged.flatMap(({ faults }) => faults)).toEqual([]);
    expect(deaths).toHaveLength(Math.ceil(KILLS / WORLDS.length) * WORLDS.length);
    expect(recordings.length).toBeGreaterThan(KILLS / 2);
    if (KILLS >= FULL_RUN) expect([...hits].filter(([, count]) => count < LEAST_HITS)).toEqual([]);
  },
  20 * 60_000,
);

test('it would find what a crash has lost: with the journals of a killed service gone, it says which recordings are', async () => {
  const world = await CrashWorld.open(scratchDir(), SEED, WORLDS[0]);
  await world.crashAt([{ at: 'masked', armedMs: 500, delayMs: 50 }]);
  for (const name of filesIn(world.data).filter((each) => each.endsWith('.journal'))) rmSync(join(world.data, name));
  const { faults } = await world.judge();
  expect(faults).not.toEqual([]);
  expect(faults.join('\n')).toMatch(/is failed: .*the journal is gone|its recording is gone/);
}, 120_000);
