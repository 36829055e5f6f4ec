/**
 * A data folder and a target that outlive many lives of the service: kills it again and again, looks into every file after each kill, and in the
 * end lets it finish and holds every recording against what its call was told.
 */
import type { Socket } from 'node:dgram';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemCode } from '../../src/core/errors.ts';
import { filesIn } from '../support/command.ts';
import { type Envelope, eventually } from '../support/live-api.ts';
import { fileHolds, filesWith } from '../support/live-judge.ts';
import { openSender } from '../support/live-sender.ts';
import { liveEnv, startLiveProgram } from '../support/live-service.ts';
import { CrashLife, type Death } from './crash-life.ts';
import { type Aim, crashPlan } from './crash-plan.ts';
import { Dice } from './dice.ts';
import { type Found, foundFaults } from './judge.ts';
import { KeepingTarget } from './keeping-target.ts';
import { Phases } from './phases.ts';
import { type Told, wasBegun } from './told.ts';
import { NEEDLES } from './voices.ts';

/** Everything that is owed has come by then. */
const FINISH_MS = 40_000;
/** A journal goes a moment after its artefact is there. */
const TIDY_MS = 5000;

export class CrashWorld {
  readonly phases = new Phases();
  readonly told: Told[] = [];
  readonly faults: string[] = [];
  readonly data: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly target: KeepingTarget;
  readonly socket: Socket;
  readonly #dice: Dice;
  /** Calls whose recordings are on their way to the target, and what ends their phase. */
  readonly #onTheirWay = new Map<string, () => void>();
  /** Calls of former lives whose recordings the target does not have. */
  readonly #owed = new Set<string>();
  #leaveRecovery = (): void => {};
  #searchedMs = 0;

  private constructor(data: string, target: KeepingTarget, socket: Socket, env: Record<string, string>, dice: Dice) {
    this.data = data;
    this.target = target;
    this.socket = socket;
    this.#env = env;
    this.#dice = dice;
    target.onBegin = ({ callId }) => {
      this.#onTheirWay.get(callId)?.();
      this.#onTheirWay.set(callId, this.phases.enter('deliver'));
    };
    target.onEnd = ({ callId }) => {
      this.#onTheirWay.get(callId)?.();
      this.#onTheirWay.delete(callId);
      this.#owed.delete(callId);
      if (this.#owed.size === 0) this.#leaveRecovery();
    };
  }

  /** @param root an empty folder. @param env what the service gets beside what a test's service gets anyway. */
  static async open(root: string, seed: number, env: Readonly<Record<string, string>>): Promise<CrashWorld> {
    const dice = new Dice(seed);
    const [data, tmp] = ['data', 'tmp'].map((name) => join(root, name));
    for (const folder of [data, tmp]) mkdirSync(folder);
    const target = await KeepingTarget.start(join(root, 'target'), dice.fork());
    const socket = await openSender();
    // Where nobody listens any more, nothing is to be told.
    socket.on('error', () => {});
    onTestFinished(async () => {
      socket.close();
      await target.close();
    });
    const always = { TMPDIR: tmp, RECORD_CALL_LEG_SILENT_SEC: '5', ...env };
    return new CrashWorld(data, target, socket, always, dice);
  }

  /** Of the next life: other tests may have its ports by now. */
  async env(): Promise<Record<string, string>> {
    return { ...(await liveEnv(this.data)), ...this.#env };
  }

  get credentials(): string {
    return join(this.data, 'credentials.json');
  }

  /** So many lives, each ended by a kill. */
  crash(kills: number, onDeath: (death: Death) => void): Promise<void> {
    return this.crashAt(crashPlan(kills, this.#dice.fork()), onDeath);
  }

  /** A life for each. */
  async crashAt(aims: readonly Aim[], onDeath: (death: Death) => void = () => {}): Promise<void> {
    for (const [life, aim] of aims.entries()) {
      onDeath(await new CrashLife(this, life, this.#dice.fork()).live(aim));
      this.#onTheirWay.clear();
      for (const told of this.told)
        if (told.life === life && wasBegun(told) && !this.#has(told)) this.#owed.add(told.callId);
      this.#search(`after kill ${life}`);
    }
  }

  /** One more life, which is let finish what is left. @returns all that is wrong */
  async judge(): Promise<{ readonly found: readonly Found[]; readonly faults: readonly string[] }> {
    const last = await startLiveProgram(this.data, this.#env);
    onTestFinished(async () => void (await last.end('SIGKILL')));
    const isOver = ({ state }: Envelope['data']): boolean => state === 'delivered' || state === 'failed';
    let documents: Envelope['data'][] = [];
    await eventually(
      async () => {
        documents = await last.api.recordings();
        return documents.every(isOver) || undefined;
      },
      'every recording to be delivered or failed',
      FINISH_MS,
    ).catch((error: unknown) => this.faults.push(String(error)));
    const found: Found[] = [];
    for (const document of documents) {
      const bodies = this.target.bodies.filter(({ recordingId }) => recordingId === document.id);
      const told = this.told.find(({ callId }) => callId === document.call_id);
      const manifest =
        document.state === 'delivered'
          ? (await last.api.ask('GET', `/recordings/${document.id}/manifest`)).data
          : undefined;
      found.push({ document, told, bodies, manifest });
    }
    const faults = [...this.faults, ...(await foundFaults(found, this.told))];
    const left = (): string[] =>
      filesIn(this.data).filter((name) => /^(?!journals.damaged).*\.(journal|about\.json|part)$/.test(name));
    await eventually(() => left().length === 0 || undefined, 'every journal to be gone', TIDY_MS).catch(() =>
      faults.push(`still there: ${left().join(', ')}`),
    );
    const { status, stderr, stdout } = await last.end('SIGTERM');
    this.heard(stdout + stderr);
    if (status !== 0) faults.push(`the last one ended with ${status}: ${stderr.slice(-500)}`);
    faults.push(...this.filesWithSecret().map((name) => `in the end: a secret in ${name}`));
    return { found, faults };
  }

  get needle(): Buffer {
    return NEEDLES[0];
  }

  filesWithSecret(): string[] {
    return filesWith(this.data, ...NEEDLES);
  }

  recovering(): void {
    this.#leaveRecovery = this.#owed.size > 0 ? this.phases.enter('recovery') : () => {};
  }

  /** A recording of that call has ended. */
  finalizing(callId: string): void {
    this.#onTheirWay.set(callId, this.phases.enter('finalize'));
  }

  /** What a service has said, whatever its level. */
  heard(text: string): void {
    for (const needle of NEEDLES)
      for (const encoding of ['latin1', 'hex', 'base64'] as const)
        if (text.includes(needle.toString(encoding))) this.faults.push(`a secret in what it said, as ${encoding}`);
  }

  #has({ callId }: Told): boolean {
    return this.target.bodies.some((body) => body.callId === callId);
  }

  /** Looks into every file that was written since the last look. */
  #search(when: string): void {
    const sinceMs = this.#searchedMs;
    // A file system's clock may be a tick behind.
    this.#searchedMs = Date.now() - 100;
    for (const folder of [this.data, this.#env.TMPDIR!])
      for (const path of newFiles(folder, sinceMs))
        if (fileHolds(path, NEEDLES)) this.faults.push(`${when}: a secret in ${path}`);
  }
}

const newFiles = (folder: string, sinceMs: number): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      try {
        return statSync(path).mtimeMs >= sinceMs;
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return false;
        throw error;
      }
    });
