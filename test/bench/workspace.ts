/** The temporary folder of a benchmark: the calls it runs on, a folder for each run, all of it gone in the end. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeLongCall } from './long-call.ts';
import type { CallFiles, CallName } from './trial.ts';
import { sampleVoices, type Voices } from './voice.ts';

type CallPlan = {
  readonly minutes: number;
  readonly quickMinutes: number;
  readonly driftPpm: number;
  readonly pcm: boolean;
};

const PLANS: Readonly<Record<CallName, CallPlan>> = {
  long: { minutes: 60, quickMinutes: 10, driftPpm: 0, pcm: true },
  drifting: { minutes: 60, quickMinutes: 10, driftPpm: 50, pcm: false },
  short: { minutes: 10, quickMinutes: 2, driftPpm: 0, pcm: true },
  day: { minutes: 720, quickMinutes: 240, driftPpm: 0, pcm: false },
};

export class Workspace {
  readonly folder: string;
  readonly #quick: boolean;
  readonly #signal: AbortSignal;
  readonly #calls = new Map<CallName, CallFiles>();
  readonly #onExit: () => void;
  #voices: Voices | undefined;
  #runs = 0;

  private constructor(folder: string, quick: boolean, signal: AbortSignal) {
    this.folder = folder;
    this.#quick = quick;
    this.#signal = signal;
    // The last chance, when nobody waits for promises any more.
    this.#onExit = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    process.on('exit', this.#onExit);
  }

  static async open(quick: boolean, signal: AbortSignal): Promise<Workspace> {
    return new Workspace(await mkdtemp(join(tmpdir(), 'record-call-bench-')), quick, signal);
  }

  /** Those that were made so far. */
  get calls(): readonly CallFiles[] {
    return [...this.#calls.values()];
  }

  /** Makes the call when it is first asked for. */
  async call(name: CallName): Promise<CallFiles> {
    const known = this.#calls.get(name);
    if (known !== undefined) return known;
    const plan = PLANS[name];
    const minutes = this.#quick ? plan.quickMinutes : plan.minutes;
    const capture = join(this.folder, `${name}.pcap`);
    const pcm = plan.pcm ? join(this.folder, `${name}.pcm`) : undefined;
    this.#voices ??= await sampleVoices();
    const packets = await writeLongCall({ minutes, driftPpm: plan.driftPpm }, this.#voices, capture, pcm, this.#signal);
    const files = { name, minutes, seconds: minutes * 60, packets, capture, pcm };
    this.#calls.set(name, files);
    return files;
  }

  /** A path for one run, not made yet. */
  runFolder(): string {
    return join(this.folder, `run-${this.#runs++}`);
  }

  async close(): Promise<void> {
    process.off('exit', this.#onExit);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
