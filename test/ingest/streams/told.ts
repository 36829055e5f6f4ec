/** What a dialect has told its sink, as plain values: audio as bytes of its own, pieces that follow each other joined. */
import type {
  StreamAbout,
  StreamFormat,
  StreamPlace,
  StreamSink,
  StreamTrack,
} from '../../../src/ingest/streams/stream-dialect.ts';

export type Told =
  | { readonly kind: 'begin'; readonly about: StreamAbout }
  | { readonly kind: 'format'; readonly format: StreamFormat }
  | { readonly kind: 'audio'; readonly track: StreamTrack; readonly bytes: Buffer; readonly place?: StreamPlace }
  | { readonly kind: 'digit'; readonly track: StreamTrack; readonly digit: string }
  | { readonly kind: 'mask'; readonly isOn: boolean; readonly atMs?: number }
  | { readonly kind: 'gap'; readonly durationMs: number; readonly fromMs?: number }
  | { readonly kind: 'send'; readonly message: string | Buffer }
  | { readonly kind: 'end'; readonly reason: string }
  | { readonly kind: 'warn'; readonly message: string };

/** Notes everything, and zeroes audio as a taker that withholds it does. */
export class ToldSink implements StreamSink {
  readonly told: Told[] = [];
  /** Bytes of audio so far. Long runs don't keep them. */
  audioBytes = 0;
  readonly #keepsAudio: boolean;

  constructor(options: { keepsAudio?: boolean } = {}) {
    this.#keepsAudio = options.keepsAudio ?? true;
  }

  begin(about: StreamAbout): void {
    this.told.push({ kind: 'begin', about: structuredClone(about) });
  }

  format(format: StreamFormat): void {
    this.told.push({ kind: 'format', format: { ...format } });
  }

  audio(track: StreamTrack, bytes: Uint8Array, place?: StreamPlace): void {
    this.audioBytes += bytes.length;
    if (this.#keepsAudio) {
      const copy = Buffer.from(Uint8Array.from(bytes));
      this.told.push({ kind: 'audio', track, bytes: copy, ...(place === undefined ? {} : { place: { ...place } }) });
    }
    bytes.fill(0);
  }

  digit(track: StreamTrack, digit: string): void {
    this.told.push({ kind: 'digit', track, digit });
  }

  mask(isOn: boolean, atMs?: number): void {
    this.told.push({ kind: 'mask', isOn, ...(atMs === undefined ? {} : { atMs }) });
  }

  gap(durationMs: number, fromMs?: number): void {
    this.told.push({ kind: 'gap', durationMs, ...(fromMs === undefined ? {} : { fromMs }) });
  }

  send(message: string | Uint8Array): void {
    this.told.push({ kind: 'send', message: typeof message === 'string' ? message : Buffer.from(message) });
  }

  end(reason: string): void {
    this.told.push({ kind: 'end', reason });
  }

  warn(message: string): void {
    this.told.push({ kind: 'warn', message });
  }
}

/** Where bytes are split says nothing: audio without a place that follows audio of the same track is one piece with it. */
export const joined = (told: readonly Told[]): Told[] => {
  const out: Told[] = [];
  for (const each of told) {
    const last = out.at(-1);
    if (
      each.kind === 'audio' &&
      last?.kind === 'audio' &&
      each.place === undefined &&
      last.place === undefined &&
      each.track === last.track
    ) {
      out[out.length - 1] = { ...last, bytes: Buffer.concat([last.bytes, each.bytes]) };
    } else out.push(each);
  }
  return out;
};
