/** One leg of the recording: sends each frame to the run it belongs to, one run at a time for each of its tracks. No I/O. */
import type { FrameDecoder } from '../media/codec.ts';
import { LegBuffer } from './leg-buffer.ts';
import { LegRun } from './leg-run.ts';
import type { PlacedFrame } from './lockstep.ts';
import type { SurveyedTrack } from './survey.ts';

export class LegTrack {
  readonly buffer = new LegBuffer();
  readonly #sampleRate: number;
  readonly #originUs: number;
  /** With the number of the path's piece that each is on. */
  readonly #runs = new Map<SurveyedTrack, { readonly run: LegRun; readonly decoder: FrameDecoder; piece: number }>();

  /** @param originUs the recording's position 0 on the call's clock. */
  constructor(sampleRate: number, originUs: number) {
    this.#sampleRate = sampleRate;
    this.#originUs = originUs;
  }

  frame({ track, path, startUs, ticks, payload }: PlacedFrame, decoder: FrameDecoder): void {
    const { sampleRate } = track.decoding;
    const { clockRate } = track.codec;
    const piece = path.pieceAt((ticks * 1e6) / clockRate);
    let on = this.#runs.get(track);
    if (on !== undefined && !(on.decoder === decoder && on.run.continues(ticks))) {
      on.run.finish();
      on = undefined;
    }
    const step = (index: number): number => sampleRate / (this.#sampleRate * path.pieces[index]!.scale);
    if (on === undefined) {
      const run = new LegRun({
        buffer: this.buffer,
        decoder,
        sourceRate: sampleRate,
        clockRate,
        startTicks: ticks,
        position: Math.round(((startUs - this.#originUs) * this.#sampleRate) / 1e6),
        nominal: sampleRate / this.#sampleRate,
        step: step(piece),
      });
      on = { run, decoder, piece };
      decoder.reset();
      this.#runs.set(track, on);
    }
    while (on.piece < piece) {
      on.piece++;
      on.run.bend((path.pieces[on.piece]!.mediaUs * clockRate) / 1e6, step(on.piece));
    }
    on.run.frame(ticks, payload, Math.ceil((track.decoding.duration(payload) * sampleRate) / clockRate));
  }

  /** Ends the runs that end before output sample `position`: their frames have all come. Infinite: every run. */
  finishBefore(position: number): void {
    for (const [track, { run }] of this.#runs) {
      if (run.end >= position) continue;
      run.finish();
      this.#runs.delete(track);
    }
  }
}
