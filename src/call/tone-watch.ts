/**
 * Watches one source's audio for key tones in the speech band, so that frames with them can be withheld before anything is written
 * (design §4 rule 10). Works in the source's own ticks, so it needs no line. It never says which key, and keeps no sound once it ended:
 * a mask may have withheld it. Pure.
 */
import { DtmfDetector, type ToneSpan } from '../kernel/dtmf-detector.ts';
import type { Codec, FrameDecoder } from '../media/codec.ts';

/** How long frames wait for the detector: until late ones are in order, two of its windows, a frame, and room. */
export const TONE_HOLD_US = 250_000;

/** A longer hole begins the watching anew. */
const LONGEST_HOLE_SECONDS = 0.5;
/** A frame waits for this many after it, in case one before it comes late. */
const SORTED_FRAMES = 2;
/** So many lost frames in a row are stood in for. */
const STAND_INS = 2;
/** Longer than what the detector keeps. */
const LONGEST_WINDOW_SECONDS = 0.05;
/** Spans older than these are of frames that have long been let go. */
const REMEMBERED = 64;

export class ToneWatch {
  readonly #codec: Codec;
  readonly #decoder: FrameDecoder;
  #detector: DtmfDetector;
  /** Ticks of the detector's position 0, and where the next frame is expected. */
  #base: number | undefined;
  #expected = 0;
  /** In ticks, `[start, end)`, oldest first. */
  readonly #tones: { readonly start: number; readonly end: number }[] = [];
  #ended = false;
  #pcm = new Int16Array(960);
  /** Samples of the last frame, which are still in `#pcm`. */
  #heard = 0;
  readonly #waiting: { readonly ticks: number; readonly duration: number; readonly payload: Uint8Array }[] = [];

  private constructor(codec: Codec, decoder: FrameDecoder) {
    this.#codec = codec;
    this.#decoder = decoder;
    this.#detector = new DtmfDetector(codec.sampleRate);
  }

  /** @returns undefined for a codec that isn't decoded here and now: opus, and whatever needs ffmpeg. */
  static of(codec: Codec): ToneWatch | undefined {
    const decoder = codec.createDecoder?.();
    return decoder === undefined || decoder instanceof Promise ? undefined : new ToneWatch(codec, decoder);
  }

  /** Takes a frame in order of arrival. What is a little out of order is put in order first. */
  push(ticks: number, duration: number, payload: Uint8Array): void {
    const { clockRate } = this.#codec.wire;
    // The sender's timestamps began anew, back in time.
    if (ticks < this.#expected - LONGEST_HOLE_SECONDS * clockRate) this.#drain(0);
    // A copy: a Buffer's own slice would be a view of what is zeroed next.
    this.#waiting.push({ ticks, duration, payload: Uint8Array.from(payload) });
    this.#waiting.sort((one, other) => one.ticks - other.ticks);
    this.#drain(SORTED_FRAMES);
  }

  /**
   * Whether any part of the frame is, or may yet turn out to be, a tone. Asked when the frame is let go: if none was heard
   * after it, its sound is forgotten. A frame that comes so much later is too far off for it to stand in.
   */
  isTone(ticks: number, duration: number): boolean {
    const end = ticks + duration;
    if (end === this.#expected) this.#forget();
    if (this.#tones.some((tone) => ticks < tone.end && end > tone.start)) return true;
    return !this.#ended && (this.#base === undefined || end > this.#ticks(this.#detector.decidedTo));
  }

  /** No more frames come: everything is decided. */
  end(): void {
    if (this.#ended) return;
    this.#drain(0);
    this.#ended = true;
    this.#note(this.#detector.flush());
    this.#forget();
    // Its window is overwritten.
    this.#detector.push(new Int16Array(Math.ceil(this.#codec.sampleRate * LONGEST_WINDOW_SECONDS)));
    this.#decoder.reset();
    this.#decoder.close();
  }

  #forget(): void {
    this.#pcm.fill(0);
    this.#heard = 0;
  }

  /** Listens to all but the last `keep` frames that wait. */
  #drain(keep: number): void {
    while (this.#waiting.length > keep) {
      const { ticks, duration, payload } = this.#waiting.shift()!;
      this.#hear(ticks, duration, payload);
      payload.fill(0);
    }
  }

  #hear(ticks: number, duration: number, payload: Uint8Array): void {
    const longest = LONGEST_HOLE_SECONDS * this.#codec.wire.clockRate;
    if (this.#base === undefined || Math.abs(ticks - this.#expected) > longest) this.#restart(ticks);
    if (ticks < this.#expected) return;
    const wanted = Math.ceil(this.#samples(duration));
    if (this.#pcm.length < wanted) {
      this.#forget();
      this.#pcm = new Int16Array(wanted);
    }
    const hole = this.#samples(ticks - this.#expected);
    // A frame that was lost in the middle of a key must not hide it: the one before it stands in.
    for (let left = hole; left > 0; ) {
      const part = this.#pcm.subarray(
        0,
        this.#heard === 0 || hole > this.#heard * STAND_INS ? 0 : Math.min(left, this.#heard),
      );
      this.#listen(part.length > 0 ? part : new Int16Array(left));
      left -= part.length > 0 ? part.length : left;
    }
    this.#heard = this.#decoder.decode(payload, this.#pcm);
    this.#listen(this.#pcm.subarray(0, this.#heard));
    this.#expected = ticks + duration;
  }

  #restart(ticks: number): void {
    this.#heard = 0;
    if (this.#base !== undefined) this.#note(this.#detector.flush());
    this.#detector = new DtmfDetector(this.#codec.sampleRate);
    this.#base = ticks;
    this.#expected = ticks;
  }

  #listen(pcm: Int16Array): void {
    this.#note(this.#detector.push(pcm));
  }

  #note(spans: readonly ToneSpan[]): void {
    for (const { start, end } of spans) this.#tones.push({ start: this.#ticks(start), end: this.#ticks(end) });
    if (this.#tones.length > REMEMBERED) this.#tones.splice(0, this.#tones.length - REMEMBERED);
  }

  #samples(ticks: number): number {
    return Math.round((ticks * this.#codec.sampleRate) / this.#codec.wire.clockRate);
  }

  #ticks(position: number): number {
    return (this.#base ?? 0) + (position * this.#codec.wire.clockRate) / this.#codec.sampleRate;
  }
}
