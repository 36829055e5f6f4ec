/** Text in columns: the first to the left, figures to the right. Pure. */

/** @returns one line per row; a row may be shorter than the others. */
export const columns = (rows: readonly (readonly string[])[], gap = '  '): string[] => {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
      .join(gap)
      .trimEnd(),
  );
};
