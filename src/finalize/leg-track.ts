/** One leg of the recording: sends each frame to the run it belongs to, one run at a time for each of its tracks. No I/O. */
import { designFilterBank, type FilterBank } from '../kernel/filter-bank.ts';
import type { FrameDecoder } from '../media/codec.ts';
import type { LineFit } from '../spool/journal-record.ts';
import { LegBuffer } from './leg-buffer.ts';
import { LegRun } from './leg-run.ts';
import type { SurveyedTrack } from './survey.ts';

export class LegTrack {
  readonly buffer = new LegBuffer();
  readonly #sampleRate: number;
  readonly #originUs: number;
  readonly #runs = new Map<SurveyedTrack, LegRun>();
  /** Filter banks by step: they are dear to design and many runs share one. */
  readonly #banks: Map<number, FilterBank>;

  /** @param originUs the recording's position 0 on the call's clock. */
  constructor(sampleRate: number, originUs: number, banks: Map<number, FilterBank>) {
    this.#sampleRate = sampleRate;
    this.#originUs = originUs;
    this.#banks = banks;
  }

  frame(
    track: SurveyedTrack,
    decoder: FrameDecoder,
    fit: LineFit,
    startUs: number,
    ticks: number,
    payload: Uint8Array,
  ): void {
    const { sampleRate } = track.decoding;
    const { clockRate } = track.codec;
    let run = this.#runs.get(track);
    if (run !== undefined && !run.continues(ticks)) {
      run.finish();
      run = undefined;
    }
    if (run === undefined) {
      const step = sampleRate / (this.#sampleRate * fit.scale);
      run = new LegRun({
        buffer: this.buffer,
        decoder,
        sourceRate: sampleRate,
        clockRate,
        startTicks: ticks,
        position: Math.round(((startUs - this.#originUs) * this.#sampleRate) / 1e6),
        step,
        bank: step === 1 ? undefined : this.#bank(step),
      });
      decoder.reset();
      this.#runs.set(track, run);
    }
    run.frame(ticks, payload, Math.ceil((track.decoding.duration(payload) * sampleRate) / clockRate));
  }

  /** Ends the runs that end before output sample `position`: their frames have all come. Infinite: every run. */
  finishBefore(position: number): void {
    for (const [track, run] of this.#runs) {
      if (run.end >= position) continue;
      run.finish();
      this.#runs.delete(track);
    }
  }

  #bank(step: number): FilterBank {
    let bank = this.#banks.get(step);
    if (bank === undefined) {
      bank = designFilterBank(step);
      this.#banks.set(step, bank);
    }
    return bank;
  }
}
