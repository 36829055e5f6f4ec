/**
 * Whether masks by position reached what they were meant for. One that lies beyond the recording masks nothing, which whoever asked
 * for it must hear. Pure.
 */
import type { RecordingDocument } from './recording-document.ts';

/** Counted from the start of the call's first recording. */
type Span = { readonly startMs: number; readonly endMs: number };

/** People write positions as they read them, to the tenth of a second. */
const READING_MS = 100;

export class MaskReach<Call> {
  readonly #masks: readonly Span[];
  readonly #calls = new Map<Call, RecordingDocument[]>();

  constructor(masks: readonly Span[]) {
    this.#masks = masks;
  }

  /** Takes a finished recording of a call. */
  add(call: Call, document: RecordingDocument): void {
    const documents = this.#calls.get(call);
    if (documents === undefined) this.#calls.set(call, [document]);
    else documents.push(document);
  }

  /** A line for each mask that masked nothing of a call, or less than it says. */
  get warnings(): string[] {
    const isOnly = this.#calls.size === 1;
    return [...this.#calls.values()].flatMap((documents) =>
      this.#masks.flatMap((mask) => told(mask, documents, isOnly) ?? []),
    );
  }
}

const told = (
  { startMs, endMs }: Span,
  documents: readonly RecordingDocument[],
  isOnly: boolean,
): string | undefined => {
  const originMs = Math.min(...documents.map(({ started_at }) => Date.parse(started_at)));
  const kept = documents
    .filter(({ path }) => path !== null)
    .map((document) => {
      const fromMs = Date.parse(document.started_at) - originMs;
      return { fromMs, toMs: fromMs + lengthMs(document), name: document.media_name };
    });
  if (kept.length === 0) return undefined;
  const lastMs = Math.max(...kept.map(({ toMs }) => toMs));
  const masksAny = kept.some(({ fromMs, toMs }) => startMs < toMs && endMs > fromMs);
  if (masksAny && endMs <= lastMs + READING_MS) return undefined;
  const seconds = (lastMs / 1000).toFixed(1);
  const what = isOnly ? 'the recording' : kept[0]!.name;
  const length = kept.length === 1 ? `${what} is ${seconds} s long` : `the recordings of its call end at ${seconds} s`;
  return `--mask ${inSeconds(startMs)}-${inSeconds(endMs)}: ${length}: ${masksAny ? 'masked to the end' : 'nothing masked there'}`;
};

/** As it was typed: to the microsecond. */
const inSeconds = (ms: number): number => Math.round(ms * 1000) / 1e6;

/** On the call's clock: what was dropped counts. */
const lengthMs = ({ duration_ms: durationMs, masks }: RecordingDocument): number => {
  let droppedMs = 0;
  let reachedMs = 0;
  for (const { start_ms, end_ms, mode } of [...masks].sort((one, other) => one.start_ms - other.start_ms)) {
    if (mode === 'drop') droppedMs += Math.max(0, end_ms - Math.max(start_ms, reachedMs));
    reachedMs = Math.max(reachedMs, end_ms);
  }
  return durationMs + droppedMs;
};
