/** The time axis below a picture, and positions as text. Pure. */

const STEPS_MS = [
  10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
  1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000,
];

/** `mm:ss`, with hours when the whole has any, and a fraction when the steps are that fine. */
export const formatTime = (ms: number, wholeMs: number, stepMs: number): string => {
  const decimals = stepMs >= 1000 ? 0 : stepMs >= 100 ? 1 : 2;
  const units = Math.round((ms / 1000) * 10 ** decimals);
  const seconds = units / 10 ** decimals;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const hours = wholeMs >= 3_600_000 ? `${Math.floor(seconds / 3600)}:` : '';
  const minutes = two(hours === '' ? seconds / 60 : (seconds / 60) % 60);
  return `${hours}${minutes}:${(seconds % 60).toFixed(decimals).padStart(decimals === 0 ? 2 : decimals + 3, '0')}`;
};

/** Two lines, at most `columns` wide: the axis with its ticks, and a time under each tick that has the room. */
export const axisOf = (
  durationMs: number,
  columns: number,
  glyphs: { readonly axis: string; readonly tick: string },
): string[] => {
  const spacing = (stepMs: number): number => (durationMs === 0 ? columns : (stepMs / durationMs) * columns);
  const fits = (stepMs: number): boolean => spacing(stepMs) >= formatTime(0, durationMs, stepMs).length + 3;
  const stepMs = STEPS_MS.find(fits) ?? STEPS_MS.at(-1)!;
  const axis = glyphs.axis.repeat(columns).split('');
  let labels = '';
  for (let tick = 0; tick === 0 || tick * stepMs < durationMs; tick++) {
    const column = Math.round(tick * spacing(stepMs));
    if (column >= columns) break;
    axis[column] = glyphs.tick;
    const label = formatTime(tick * stepMs, durationMs, stepMs);
    const isFree = labels === '' || column >= labels.length + 2;
    if (isFree && column + label.length <= columns) labels = labels.padEnd(column) + label;
  }
  return [axis.join(''), labels];
};
