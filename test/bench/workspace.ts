/** The temporary folder of a benchmark: the calls it runs on, a folder for each run, all of it gone in the end. */
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeLongCall } from './long-call.ts';
import type { CallFiles, CallName, PcmFiles } from './trial.ts';
import { sampleVoices, type Voices } from './voice.ts';

type CallPlan = {
  readonly minutes: number;
  readonly quickMinutes: number;
  readonly driftPpm: number;
  readonly files: 'capture' | 'capture, stereo' | 'capture, stereo, mono' | 'none';
};

const PLANS: Readonly<Record<CallName, CallPlan>> = {
  minute: { minutes: 1, quickMinutes: 0.5, driftPpm: 0, files: 'none' },
  brief: { minutes: 4, quickMinutes: 1, driftPpm: 0, files: 'capture, stereo, mono' },
  short: { minutes: 10, quickMinutes: 1, driftPpm: 0, files: 'capture' },
  long: { minutes: 60, quickMinutes: 5, driftPpm: 0, files: 'capture, stereo' },
  evening: { minutes: 240, quickMinutes: 10, driftPpm: 0, files: 'none' },
  drifting: { minutes: 20, quickMinutes: 5, driftPpm: 50, files: 'capture' },
  day: { minutes: 720, quickMinutes: 240, driftPpm: 0, files: 'capture' },
};

/** Two legs, a packet each 20 ms. */
const PACKETS_PER_MINUTE = 2 * 50 * 60;

/** The left channel beside both. */
const withMono = async (stereo: string): Promise<PcmFiles> => {
  const mono = `${stereo}.mono`;
  const bytes = await readFile(stereo);
  const left = Buffer.alloc(bytes.length / 2);
  for (let at = 0; at < left.length; at += 2) left.writeInt16LE(bytes.readInt16LE(2 * at), at);
  await writeFile(mono, left, { mode: 0o600 });
  return { stereo, mono };
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
    const hasPcm = plan.files.includes('stereo');
    const pcm = hasPcm ? { stereo: join(this.folder, `${name}.pcm`), mono: undefined } : undefined;
    const files = { name, minutes, seconds: minutes * 60, packets: minutes * PACKETS_PER_MINUTE, capture, pcm };
    if (plan.files !== 'none') {
      this.#voices ??= await sampleVoices();
      await writeLongCall({ minutes, driftPpm: plan.driftPpm }, this.#voices, capture, pcm?.stereo, this.#signal);
    }
    const made: CallFiles =
      pcm !== undefined && plan.files.includes('mono') ? { ...files, pcm: await withMono(pcm.stereo) } : files;
    this.#calls.set(name, made);
    return made;
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
