/**
 * One life of the built service under load, from its start to the SIGKILL. What its calls were told stays; what it was in the middle of when it
 * died is the result.
 */
import { setTimeout as rest } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { type RunningCommand, startCommand } from '../support/command.ts';
import { LiveApi } from '../support/live-api.ts';
import { newTold, runCall, type Speaking } from './crash-call.ts';
import type { Aim } from './crash-plan.ts';
import type { CrashWorld } from './crash-world.ts';
import type { Dice } from './dice.ts';
import type { Phase } from './phases.ts';
import { Pulse } from './pulse.ts';
import { Speakers } from './speakers.ts';
import type { Told } from './told.ts';

/** Calls at once. */
const LANES = 4;
/** One that waits in vain for its phase ends all the same. */
const LONGEST_MS = 4000;

export type Death = {
  readonly life: number;
  readonly aim: Aim;
  readonly during: readonly Phase[];
  readonly livedMs: number;
  readonly stallMs: number;
};

const running = async (world: CrashWorld): Promise<{ running: RunningCommand; listening: Promise<string> }> => {
  const running = startCommand(['serve'], { env: await world.env(), timeoutMs: 120_000 });
  const listening = new Promise<string>((resolve, reject) => {
    let said = '';
    running.child.stdout!.on('data', (text: string) => {
      said += text;
      const url = / listens at (\S+) /.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    });
    running.done.then(
      ({ status, stderr }) => reject(new Error(`it ended with ${status}: ${stderr.slice(-500)}`)),
      reject,
    );
  });
  listening.catch(() => {});
  return { running, listening };
};

export class CrashLife {
  readonly #world: CrashWorld;
  readonly #number: number;
  readonly #dice: Dice;
  readonly #calls: { readonly told: Told; readonly speaking: Speaking }[] = [];
  readonly #speakers: Speakers;
  #pulse: Pulse | undefined;
  #isDead = false;
  #die = (): void => {};
  readonly #death = new Promise<void>((resolve) => {
    this.#die = resolve;
  });

  constructor(world: CrashWorld, number: number, dice: Dice) {
    this.#world = world;
    this.#number = number;
    this.#dice = dice;
    this.#speakers = new Speakers(world.socket);
  }

  /** Starts it, loads it, kills it. */
  async live(aim: Aim): Promise<Death> {
    const { phases } = this.#world;
    const startedMs = performance.now();
    const leaveStartUp = phases.enter('start-up');
    this.#world.recovering();
    const { running: program, listening } = await running(this.#world);
    const kill = (): void => this.#kill(program);
    onTestFinished(kill);
    if (aim.at === 'start-up') setTimeout(kill, aim.delayMs);
    const lanes = listening
      .then(async (url) => {
        leaveStartUp();
        if (!this.#isDead) this.#pulse = new Pulse(url);
        if (aim.at !== 'start-up') this.#arm(aim, kill);
        const api = await LiveApi.enter(url, this.#world.credentials);
        await Promise.all(Array.from({ length: LANES }, (_, lane) => this.#lane(api, lane)));
      })
      .catch((error: unknown) => {
        if (!this.#isDead) this.#world.faults.push(`life ${this.#number}: ${String(error)}`);
        kill();
      });
    await this.#death;
    const during = phases.now;
    phases.onEnter = () => {};
    const { signal, stdout, stderr } = await program.done;
    await lanes;
    if (signal !== 'SIGKILL') this.#world.faults.push(`life ${this.#number} ended by itself: ${stderr.slice(-500)}`);
    this.#world.heard(stdout + stderr);
    phases.clear();
    return {
      life: this.#number,
      aim,
      during,
      livedMs: performance.now() - startedMs,
      stallMs: this.#pulse?.stop() ?? 0,
    };
  }

  #arm({ at, armedMs, delayMs }: Aim, kill: () => void): void {
    const { phases } = this.#world;
    setTimeout(kill, LONGEST_MS);
    setTimeout(() => {
      if (at === 'any' || at === 'recovery') {
        setTimeout(kill, delayMs);
        return;
      }
      phases.onEnter = (phase) => {
        if (phase !== at) return;
        phases.onEnter = () => {};
        setTimeout(kill, delayMs);
      };
    }, armedMs);
  }

  #kill({ child }: RunningCommand): void {
    if (this.#isDead) return;
    this.#isDead = true;
    child.kill('SIGKILL');
    const killedUs = systemClock.now();
    const stallMs = this.#pulse?.stop() ?? 0;
    for (const { told, speaking } of this.#calls) {
      told.stallMs = stallMs;
      if (told.hangUp.answeredUs !== undefined) continue;
      told.killedUs = killedUs;
      const { speaker } = speaking;
      if (speaker === undefined) continue;
      told.said = { fromUs: speaker.startUs, toUs: speaker.saidUs };
      told.lateMs = speaker.lateMs;
    }
    this.#speakers.close();
    this.#die();
  }

  /** One call after another. */
  async #lane(api: LiveApi, lane: number): Promise<void> {
    const dice = this.#dice.fork();
    await rest(dice.between(0, 200));
    for (let nth = 0; !this.#isDead; nth++) {
      const callId = `c${this.#number}-${lane}-${nth}`;
      const { told, codecs } = newTold(callId, this.#number, lane, dice);
      const speaking: Speaking = {};
      this.#calls.push({ told, speaking });
      this.#world.told.push(told);
      const { target, phases } = this.#world;
      const options = { api, url: target.url, dice, phases, speakers: this.#speakers, told, codecs };
      const onEnded = (): void => this.#world.finalizing(callId);
      await runCall({ ...options, onEnded, pause: (ms) => this.#pause(ms) }, speaking).catch((error: unknown) => {
        if (!this.#isDead) this.#world.faults.push(`${callId}: ${String(error)}`);
      });
    }
  }

  /** @throws when the service died meanwhile. */
  async #pause(ms: number): Promise<void> {
    await Promise.race([rest(ms), this.#death]);
    if (this.#isDead) throw new Error('the service is dead');
  }
}
