/** One line that says how far long work is, on a terminal; nothing anywhere else. */
import type { Output } from './io.ts';

const BAR = 24;
const EVERY_MS = 80;

export class ProgressLine {
  readonly #out: Output;
  readonly #now: () => number;
  #shown = '';
  #shownAtMs = Number.NEGATIVE_INFINITY;

  constructor(out: Output, now: () => number = performance.now.bind(performance)) {
    this.#out = out;
    this.#now = now;
  }

  /** @param share 0 to 1. */
  show(what: string, share: number): void {
    if (this.#out.isTTY !== true) return;
    const nowMs = this.#now();
    if (nowMs - this.#shownAtMs < EVERY_MS) return;
    this.#shownAtMs = nowMs;
    const done = Math.round(Math.min(1, Math.max(0, share)) * BAR);
    const percent = String(Math.floor(Math.min(1, share) * 100)).padStart(3);
    this.#put(`${'█'.repeat(done)}${'░'.repeat(BAR - done)} ${percent} %  ${what}`);
  }

  /** Takes the line away, so that something else can be printed. */
  clear(): void {
    if (this.#shown !== '') this.#put('');
    this.#shownAtMs = Number.NEGATIVE_INFINITY;
  }

  #put(text: string): void {
    const width = (this.#out.columns ?? 80) - 1;
    const line = text.length > width ? text.slice(0, width) : text;
    this.#out.write(`\r${line}${' '.repeat(Math.max(0, this.#shown.length - line.length))}${line === '' ? '\r' : ''}`);
    this.#shown = line;
  }
}
