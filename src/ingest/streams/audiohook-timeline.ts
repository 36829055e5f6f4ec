/**
 * Where an AudioHook stream is, by the samples that came and the spans that its client said it has left out. Milliseconds since the
 * stream was opened: a session that continues another begins at the client's position, which is then our 0. Pure.
 */
import type { AudiohookMedia } from './audiohook-media.ts';
import { invalid } from './audiohook-message.ts';

/** Longer than any call: what is longer is no pause, but a mistake or an attack on the length of a file. */
const LONGEST_SPAN_MS = 24 * 3600 * 1000;

export type Span = { readonly startMs: number; readonly durationMs: number };

export class AudiohookTimeline {
  readonly #openedAtMs: number;
  readonly #bytesPerMs: number;
  readonly frameBytes: number;
  /** Counted in bytes, so that nothing is rounded away in an hour of messages. */
  #bytes = 0;
  #jumpedMs = 0;

  /** @param openedAtMs the client's position in its `open` */
  constructor(openedAtMs: number, { format }: AudiohookMedia) {
    this.#openedAtMs = openedAtMs;
    this.frameBytes = (format.encoding === 'pcmu' ? 1 : 2) * format.channels;
    this.#bytesPerMs = (this.frameBytes * format.sampleRate) / 1000;
  }

  get nowMs(): number {
    return this.#jumpedMs + this.#bytes / this.#bytesPerMs;
  }

  /** @returns where these bytes begin */
  audio(bytes: number): number {
    const { nowMs } = this;
    this.#bytes += bytes;
    return nowMs;
  }

  /** A position in the client's words as one of ours; before the opening is at the opening. */
  at(positionMs: number): number {
    return Math.max(0, positionMs - this.#openedAtMs);
  }

  /**
   * A span that the client has not sent. Goes on behind it, where that is ahead.
   * @throws AppError STREAM_INVALID for a span that is no part of a call, or that begins where the stream is not yet
   */
  leaveOut(clientStartMs: number, durationMs: number): Span {
    const startMs = this.at(clientStartMs);
    if (durationMs > LONGEST_SPAN_MS || startMs > this.nowMs + LONGEST_SPAN_MS)
      throw invalid('a span longer than any call');
    const endMs = this.at(clientStartMs + durationMs);
    if (endMs > this.nowMs) {
      this.#jumpedMs = endMs;
      this.#bytes = 0;
    }
    return { startMs, durationMs: endMs - startMs };
  }
}
