/**
 * Where a line lies on the call's clock: one straight piece, or several that join, where its sender's clock was found to drift while
 * the recording was being made. What is decided stays: a piece is only ever added behind what has been placed. Pure.
 */
import type { LineFit, LinePiece } from '../spool/journal-record.ts';

export class LinePath {
  readonly #pieces: LinePiece[];

  /** @param pieces at least one, in order; the first reaches back to the line's beginning. */
  constructor(pieces: readonly LinePiece[]) {
    this.#pieces = [...pieces];
  }

  static of({ originUs, scale }: LineFit): LinePath {
    return new LinePath([{ mediaUs: 0, callUs: originUs, scale }]);
  }

  get pieces(): readonly LinePiece[] {
    return this.#pieces;
  }

  get last(): LinePiece {
    return this.#pieces.at(-1)!;
  }

  /** The number of the piece that media time lies on. */
  pieceAt(mediaUs: number): number {
    let index = this.#pieces.length - 1;
    while (index > 0 && this.#pieces[index]!.mediaUs > mediaUs) index--;
    return index;
  }

  /** Call-clock µs of media time. */
  onCall(mediaUs: number): number {
    const piece = this.#pieces[this.pieceAt(mediaUs)]!;
    return piece.callUs + (mediaUs - piece.mediaUs) * piece.scale;
  }

  /** From `mediaUs` on, which is behind the last piece's beginning, it goes on at another pace. */
  bend(mediaUs: number, scale: number): void {
    this.#pieces.push({ mediaUs, callUs: this.onCall(mediaUs), scale });
  }

  /** Call-clock time per media time, from one media time to another. */
  meanScale(fromUs: number, toUs: number): number {
    const [first] = this.#pieces;
    if (this.#pieces.length === 1 || toUs <= fromUs) return first!.scale;
    return (this.onCall(toUs) - this.onCall(fromUs)) / (toUs - fromUs);
  }
}
