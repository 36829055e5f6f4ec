/** One leg of the recording: sends each frame to the run it belongs to, one run at a time for each of its tracks. No I/O. */
import type { FrameDecoder } from '../media/codec.ts';
import { LegBuffer } from './leg-buffer.ts';
import { LegRun } from './leg-run.ts';
import type { LinePath } from './line-path.ts';
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

  frame({ track, path, startUs, ticks, duration, payload }: PlacedFrame, decoder: FrameDecoder): void {
    const { clockRate } = track.codec;
    const piece = path.pieceAt((ticks * 1e6) / clockRate);
    let on = this.#runs.get(track);
    if (on !== undefined && !(on.decoder === decoder && on.run.continues(ticks))) {
      on.run.finish();
      on = undefined;
    }
    if (on === undefined) {
      const run = new LegRun({
        buffer: this.buffer,
        decoder,
        codec: track.decoding,
        startTicks: ticks,
        position: Math.round(((startUs - this.#originUs) * this.#sampleRate) / 1e6),
        nominal: track.decoding.sampleRate / this.#sampleRate,
        step: this.#step(track, path, piece),
      });
      on = { run, decoder, piece };
      decoder.reset();
      this.#runs.set(track, on);
    }
    while (on.piece < piece) {
      on.piece++;
      on.run.bend((path.pieces[on.piece]!.mediaUs * clockRate) / 1e6, this.#step(track, path, on.piece));
    }
    on.run.frame(ticks, payload, duration);
  }

  /**
   * All that has come is in the buffer then. Ends the runs that end before output sample `position`: their frames have all come. Infinite:
   * every run.
   */
  finishBefore(position: number): void {
    for (const [track, { run }] of this.#runs) {
      if (run.end >= position) {
        run.flush();
        continue;
      }
      run.finish();
      this.#runs.delete(track);
    }
  }

  /** Source samples for an output sample on a path's piece. */
  #step({ decoding }: SurveyedTrack, path: LinePath, piece: number): number {
    return decoding.sampleRate / (this.#sampleRate * path.pieces[piece]!.scale);
  }
}
