/** Waveforms on demand: measured off the main thread when first asked for, one at a time, then kept beside the artefact. */
import { readFile } from 'node:fs/promises';
import { AppError } from '../../core/errors.ts';
import type { Manifest } from '../../finalize/manifest.ts';
import type { SealKey } from '../../spool/seal/seal-key.ts';
import type { RecordingRow } from '../../store/rows.ts';
import type { RunInBackground } from './background.ts';
import { FairQueue } from './fair-queue.ts';
import { fewerPeaks, type Peaks, readPeaks } from './peaks.ts';
import type { KeyOf } from './stored-file.ts';

/** Recordings whose waveform is asked for and not measured yet. */
const MOST_WAITING = 100;

export class Waveforms {
  readonly #background: RunInBackground;
  readonly #keyOf: KeyOf;
  readonly #signal: AbortSignal;
  readonly #measuring = new Map<string, Promise<Peaks>>();
  readonly #waiting = new FairQueue<() => void>();
  #isBusy = false;

  constructor(background: RunInBackground, keyOf: KeyOf, signal: AbortSignal) {
    this.#background = background;
    this.#keyOf = keyOf;
    this.#signal = signal;
  }

  /**
   * @param row with an artefact. @param points as many, or fewer where the recording has no more samples or nobody's screen has.
   * @throws RATE_LIMITED, INPUT_MISSING, ARTEFACT_UNREADABLE, SEAL_BROKEN, KEY_UNUSABLE
   */
  async of(row: RecordingRow, points: number): Promise<Peaks> {
    const path = row.artefactPath!;
    const key = await this.#keyOf(row);
    const kept = await readPeaks(path, key);
    if (kept !== undefined) return fewerPeaks(kept, points);
    let measuring = this.#measuring.get(row.id);
    if (measuring === undefined) {
      if (this.#waiting.size >= MOST_WAITING)
        throw new AppError('RATE_LIMITED', 'too many waveforms are asked for', { details: { retryAfterSeconds: 10 } });
      measuring = this.#measure(row, path, key).finally(() => this.#measuring.delete(row.id));
      this.#measuring.set(row.id, measuring);
    }
    return fewerPeaks(await measuring, points);
  }

  async #measure(row: RecordingRow, artefact: string, key: SealKey | undefined): Promise<Peaks> {
    await this.#turn(row.accountId);
    try {
      const samples = await samplesOf(row);
      const options = { onProgress: () => {}, signal: this.#signal };
      const sealing = key === undefined ? {} : { key };
      await this.#background({ kind: 'peaks', artefact, id: row.id, samples, ...sealing }, options);
      const peaks = await readPeaks(artefact, key);
      if (peaks === undefined) throw new AppError('INPUT_MISSING', 'the recording is gone');
      return peaks;
    } finally {
      this.#isBusy = false;
      this.#waiting.shift()?.();
    }
  }

  #turn(accountId: string): Promise<void> | undefined {
    if (!this.#isBusy) {
      this.#isBusy = true;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting.push(accountId, () => {
        this.#isBusy = true;
        resolve();
      });
    });
  }
}

/** Of each channel. */
const samplesOf = async ({ manifestPath, durationMs, sampleRate }: RecordingRow): Promise<number> => {
  try {
    const manifest = JSON.parse(await readFile(manifestPath ?? '', 'utf8')) as Manifest;
    return manifest.artefact.samples;
  } catch {
    return Math.round((durationMs * (sampleRate ?? 8000)) / 1000);
  }
};
