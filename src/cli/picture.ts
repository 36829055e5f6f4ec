/**
 * Draws a finished recording for a terminal: a band of level blocks per leg over time, and where it is masked. It draws what
 * is in the file: sound inside a mask would show. Pure: gives lines, prints nothing, asks no terminal.
 */
import type { MaskMode } from '../core/record-call.ts';
import { cellsOf, fitted } from './terminal-text.ts';
import { axisOf, formatTime } from './time-axis.ts';

export type PictureLeg = {
  readonly name: string;
  /** Loudest sample of each equal part of the recording, 0–1, in order; any number of parts. */
  readonly peaks: Float32Array;
};

export type PictureMask = {
  /** On the recording's clock, as its document reports it: time that `drop` removed is counted. */
  readonly startMs: number;
  readonly endMs: number;
  readonly mode: MaskMode;
};

export type Picture = {
  /** How long the artefact is: in drop mode without the dropped time. */
  readonly durationMs: number;
  readonly legs: readonly PictureLeg[];
  readonly masks: readonly PictureMask[];
  /** Columns of the terminal; less than 24 is taken as 24. Default 80. */
  readonly width?: number;
  /** ANSI colours. Default false. */
  readonly color?: boolean;
  /** Only ASCII characters, names aside. Default false. */
  readonly ascii?: boolean;
};

/** Full height and no height: the swell of telephone speech lies between the two, the noise of a quiet line below. */
const LOUDEST_DBFS = -6;
const QUIETEST_DBFS = -42;
const ROWS = 2;
const LONGEST_NAME = 12;
const NARROWEST = 24;
/** An mp3 smears sound by up to one frame, 72 ms at 8 kHz, so what is drawn as sound in a mask lies deeper than that. */
const SMEAR_MS = 100;

const GLYPHS = {
  blocks: { levels: ' ▁▂▃▄▅▆▇█', quiet: '▁', mask: '░', seam: '┊', axis: '─', tick: '┬', dash: '–', ellipsis: '…' },
  ascii: { levels: ' .:-=+*%#', quiet: '.', mask: '/', seam: '|', axis: '-', tick: '+', dash: '-', ellipsis: '.' },
} as const;

type Glyphs = (typeof GLYPHS)[keyof typeof GLYPHS];

const SGR = { legs: ['36', '32'], mask: '33', axis: '2' } as const;

const paint = (text: string, code: string, color: boolean): string =>
  color && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text;

/** The picture, a string per line, none wider than `width` and none with a blank at its end. */
export const drawPicture = (picture: Picture): string[] => {
  const { durationMs, legs, masks, color = false, ascii = false } = picture;
  const glyphs = ascii ? GLYPHS.ascii : GLYPHS.blocks;
  const width = Math.max(NARROWEST, Math.floor(picture.width ?? 80));
  const names = legs.map(({ name }) => fitted(name, LONGEST_NAME, glyphs.ellipsis));
  const gutter = Math.max(0, ...names.map(cellsOf)) + 2;
  const columns = width - gutter;
  const columnMs = durationMs / columns;
  const hatch = hatchOf(placed(masks), columns, columnMs);
  const margin = ' '.repeat(gutter);

  const lines: string[] = [];
  for (const [index, leg] of legs.entries()) {
    if (index > 0) {
      const between = labelled(hatch.map((column) => hatchGlyph(column, glyphs) ?? ' ').join(''), glyphs);
      lines.push(margin + painted(between, hatch, SGR.mask, color));
    }
    const heights = heightsOf(leg.peaks, columns);
    for (let row = ROWS - 1; row >= 0; row--) {
      const cells = heights.map((height, column) => cellOf(height, row, hatch[column], glyphs)).join('');
      const name = names[index] ?? '';
      const head = row === 0 ? name + ' '.repeat(gutter - cellsOf(name)) : margin;
      lines.push(head + painted(cells, hatch, SGR.legs[index % SGR.legs.length] ?? '0', color));
    }
  }
  lines.push(...axisOf(durationMs, columns, glyphs).map((line) => margin + paint(line, SGR.axis, color)));
  lines.push(...legendOf(picture, width, glyphs).map((line) => paint(line, SGR.mask, color)));
  return lines.map((line) => line.trimEnd());
};

// ── Levels ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Eighths of a row, 0 to 8 × ROWS, for each column: how loud its parts are on average; any sound is at least one. */
const heightsOf = (peaks: Float32Array, columns: number): number[] =>
  Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * peaks.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * peaks.length) / columns));
    const parts = peaks.subarray(from, to);
    const swell = Math.sqrt(parts.reduce((sum, peak) => sum + peak * peak, 0) / (to - from));
    const loudest = parts.reduce((highest, peak) => Math.max(highest, peak), 0);
    return Math.max(shareOf(loudest) > 0 ? 1 : 0, Math.round(8 * ROWS * shareOf(swell)));
  });

/** Where a level lies between no height (0) and full height (1), on a scale of decibels. */
const shareOf = (level: number): number => {
  const dbfs = 20 * Math.log10(level);
  return Math.max(0, Math.min(1, (dbfs - QUIETEST_DBFS) / (LOUDEST_DBFS - QUIETEST_DBFS)));
};

const cellOf = (height: number, row: number, hatched: Hatched | undefined, glyphs: Glyphs): string => {
  const here = Math.max(0, Math.min(8, height - 8 * row));
  const hatch = hatched === undefined ? undefined : hatchGlyph(hatched, glyphs);
  if (hatch !== undefined && (here === 0 || hatched !== 'deep')) return hatch;
  if (here === 0 && row === 0) return glyphs.quiet;
  return glyphs.levels[here] ?? ' ';
};

// ── Masks ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A column's part in a mask: at its edge, deep inside it, or the seam where it was cut out. */
type Hatched = 'none' | 'edge' | 'deep' | 'seam';

type Placed = { readonly startMs: number; readonly endMs: number; readonly mode: MaskMode };

/** Masks where they lie in the artefact: what was dropped before them is gone, and a dropped one is a point. */
const placed = (masks: readonly PictureMask[]): Placed[] => {
  let droppedMs = 0;
  return [...masks]
    .sort((left, right) => left.startMs - right.startMs)
    .map(({ startMs, endMs, mode }) => {
      const at = startMs - droppedMs;
      if (mode !== 'drop') return { startMs: at, endMs: endMs - droppedMs, mode };
      droppedMs += endMs - startMs;
      return { startMs: at, endMs: at, mode };
    });
};

const hatchOf = (masks: readonly Placed[], columns: number, columnMs: number): Hatched[] => {
  const hatch = Array.from({ length: columns }, (): Hatched => 'none');
  if (columnMs <= 0) return hatch;
  for (const { startMs, endMs, mode } of masks) {
    // A column belongs to a mask by its middle; the shortest mask still has one.
    const first = Math.min(columns - 1, Math.max(0, Math.round(startMs / columnMs)));
    const last = Math.min(columns - 1, Math.max(first, Math.round(endMs / columnMs) - 1));
    for (let column = first; column <= last; column++) {
      const isDeep = column * columnMs >= startMs + SMEAR_MS && (column + 1) * columnMs <= endMs - SMEAR_MS;
      hatch[column] = mode === 'drop' ? 'seam' : isDeep ? 'deep' : 'edge';
    }
  }
  return hatch;
};

const hatchGlyph = (hatched: Hatched, glyphs: Glyphs): string | undefined =>
  hatched === 'none' ? undefined : hatched === 'seam' ? glyphs.seam : glyphs.mask;

const MASK_LABEL = ' masked ';

/** Writes into each stretch of hatching that has the room what it stands for. */
const labelled = (line: string, glyphs: Glyphs): string =>
  line.replace(new RegExp(`${glyphs.mask}{${MASK_LABEL.length + 2},}`, 'g'), (run) => {
    const before = Math.floor((run.length - MASK_LABEL.length) / 2);
    return run.slice(0, before) + MASK_LABEL + run.slice(before + MASK_LABEL.length);
  });

/** Colours a line by stretches: hatching in its own colour, the rest in the leg's. */
const painted = (line: string, hatch: readonly Hatched[], legCode: string, color: boolean): string => {
  const text = line.trimEnd();
  if (!color) return text;
  let result = '';
  let from = 0;
  for (let column = 1; column <= text.length; column++) {
    if (column < text.length && (hatch[column] === 'none') === (hatch[from] === 'none')) continue;
    result += paint(text.slice(from, column), hatch[from] === 'none' ? legCode : SGR.mask, color);
    from = column;
  }
  return result;
};

const LEGENDS: Readonly<Record<MaskMode, string>> = { silence: 'masked', tone: 'masked by a beep', drop: 'cut out' };

/** One line for each mode that occurs, with as many of its spans as fit. */
const legendOf = ({ masks, durationMs }: Picture, width: number, glyphs: Glyphs): string[] =>
  (['silence', 'tone', 'drop'] as const).flatMap((mode) => {
    const spans = masks.filter((mask) => mask.mode === mode);
    if (spans.length === 0) return [];
    const reachMs = Math.max(durationMs, ...masks.map(({ endMs }) => endMs));
    const time = (ms: number): string => formatTime(ms, reachMs, reachMs < 120_000 ? 100 : 1000);
    const texts = spans.map(({ startMs, endMs }) => `${time(startMs)}${glyphs.dash}${time(endMs)}`);
    const head = `${mode === 'drop' ? glyphs.seam : glyphs.mask} ${LEGENDS[mode]}`;
    for (let shown = texts.length; shown > 0; shown--) {
      const more = shown < texts.length ? `, and ${texts.length - shown} more` : '';
      const line = `${head} ${texts.slice(0, shown).join(', ')}${more}`;
      if (line.length <= width) return [line];
    }
    return [fitted(head, width, glyphs.ellipsis)];
  });
