/** Text that others wrote, made fit for a terminal: how many cells it takes, no control characters, cut to size. Pure. */

const WIDE =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]/u;
const NO_WIDTH = /^[\p{M}\p{Cf}]/u;

/** East Asian wide characters and emoji take two cells, combining marks none (UAX #11 in essence). */
export const cellsOf = (text: string): number =>
  [...text].reduce((sum, character) => sum + (NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1), 0);

/**
 * Without control characters, which a name from a SIP header could use on the terminal.
 * @param ellipsis ends what was cut to `cells`; one cell wide.
 */
export const fitted = (text: string, cells: number, ellipsis: string): string => {
  const clean = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, '');
  if (cellsOf(clean) <= cells) return clean;
  let kept = '';
  for (const character of clean) {
    if (cellsOf(kept + character) > cells - 1) break;
    kept += character;
  }
  return kept + ellipsis;
};
